/** The session has ended while a letter is open: sign in again over it, and nothing of it is lost. */

import { useEffect, useRef, useState } from "preact/hooks";
import { again, withPassword } from "../auth";
import { JmapError } from "../jmap";
import { client, expired, explain, goOn, signOut } from "../store";
import { language, say as sayShared } from "../text";
import { letters } from "./letter";
import { save } from "./keep";
import { say } from "./text_send";
import { retryAll } from "./upload";

export function Again() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [byPassword, setByPassword] = useState(false);
  const [fault, setFault] = useState("");
  const [waiting, setWaiting] = useState<AbortController | null>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return () => waiting?.abort();
  }, []);

  const done = async (authorize: Parameters<typeof goOn>[0]) => {
    try {
      if (!(await goOn(authorize))) return setFault(say("again.other", { address: client.value?.address ?? "" }));
      for (const one of letters.value.filter((each) => !each.queued.value)) {
        retryAll(one);
        if (!(one.saved.value instanceof Date) && one.saved.value !== "new") void save(one);
      }
    } catch (error) {
      setFault(error instanceof JmapError && error.kind === "signin" ? sayShared("signin.failed") : explain(error));
    }
  };
  const start = async () => {
    waiting?.abort();
    const control = new AbortController();
    setWaiting(control);
    const authorize = await again(language.value, control.signal);
    if (control.signal.aborted) return;
    if (authorize === false) setByPassword(true);
    else await done(authorize);
  };

  return (
    <dialog ref={dialog} class="again" aria-labelledby="again-title" onCancel={(event) => event.preventDefault()}>
      <h2 id="again-title">{say("again.title")}</h2>
      <p>{say("again.text", { address: client.value?.address ?? "" })}</p>
      {byPassword ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const given = String(new FormData(event.currentTarget).get("password"));
            void done(withPassword(client.value!.address, given));
          }}
        >
          <label>
            {sayShared("signin.password")}
            <input name="password" type="password" autocomplete="current-password" required ref={(input) => input?.focus()} />
          </label>
          <button class="main">{sayShared("signin.button")}</button>
        </form>
      ) : (
        <button class="main" autofocus onClick={() => void start()}>{sayShared("signin.button")}</button>
      )}
      <p class="fault" role="alert">{fault}</p>
      <p>
        <button class="plain" onClick={() => (expired.value = false)}>{say("again.later")}</button>
        <button class="plain" onClick={() => signOut(false)}>{say("again.leave")}</button>
      </p>
    </dialog>
  );
}
