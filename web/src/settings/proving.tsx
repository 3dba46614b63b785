/** "Confirm that it is you": the dialog before anything that opens the account is changed. */

import { useState } from "preact/hooks";
import { Problem, api, proved, proving } from "../api";
import { client, explain } from "../store";
import { Field, Modal } from "./parts";
import { say } from "./security.text";
import { say as common } from "./text";

interface Proof {
  proof: string;
}

export function Proving() {
  const asked = proving.value;
  return asked === null ? null : <Dialog done={asked.done} />;
}

function Dialog({ done }: { done: (shown: boolean) => void }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [second, setSecond] = useState(false);
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const end = (shown: boolean) => {
    proving.value = null;
    done(shown);
  };
  const show = async (make: () => Promise<Record<string, unknown>>) => {
    setBusy(true);
    setFault("");
    try {
      proved((await api<Proof>("POST", "/self/reauthenticate", await make())).proof);
      end(true);
    } catch (error) {
      if (error instanceof Problem && error.name === "second-step") setSecond(true);
      if (error instanceof DOMException) setFault(say("keys.cancelled"));
      else setFault(error instanceof Problem ? error.message : explain(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal title={say("again")} close={() => end(false)}>
      <p class="about">{say("again.about")}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void show(() => Promise.resolve(second ? { password, code } : { password }));
        }}
      >
        <input type="text" name="username" autocomplete="username" value={client.value?.address} hidden readOnly />
        <Field label={say("again.password")}>
          <input type="password" required data-first autocomplete="current-password" value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
        </Field>
        {second && (
          <Field label={say("again.code")}>
            <input class="code" required autocomplete="one-time-code" value={code} onInput={(event) => setCode(event.currentTarget.value)} />
          </Field>
        )}
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main" aria-disabled={busy}>
            {say("again.go")}
          </button>
          {"PublicKeyCredential" in window && (
            <button
              type="button"
              aria-disabled={busy}
              onClick={() =>
                void show(async () => {
                  const { options } = await api<{ options: PublicKeyCredentialRequestOptionsJSON }>("POST", "/self/reauthenticate/passkey");
                  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
                  return { passkey: ((await navigator.credentials.get({ publicKey })) as PublicKeyCredential).toJSON() };
                })
              }
            >
              {say("again.passkey")}
            </button>
          )}
          <button type="button" onClick={() => end(false)}>
            {common("cancel")}
          </button>
        </div>
      </form>
    </Modal>
  );
}
