/** Addresses to write from, and the signature of each. */

import { useEffect, useRef, useState } from "preact/hooks";
import { refuse } from "../jmap";
import type { Identity } from "../jmap";
import { guarded, identities, jmap, tell } from "../store";
import { say as sayShared } from "../text";
import { Icon } from "../views/icon";
import type { FrameApi } from "./frame";
import { plainOf } from "./body";
import { htmlOf } from "./sign";
import { SmallFrame } from "./small_frame";
import { say } from "./text_extras";

export function Identities({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [chosen, setChosen] = useState<Identity | null>(identities.value[0] ?? null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog} class="again scheduled" aria-labelledby="identities-title" onClose={close}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div class="top-line">
        <h2 id="identities-title">{say("identities")}</h2>
        <button class="plain" aria-label={sayShared("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <div class="acts">
        {identities.value.map((one) => (
          <button key={one.id} aria-pressed={chosen?.id === one.id} onClick={() => setChosen(one)}>{one.email}</button>
        ))}
        <button aria-pressed={chosen === null} onClick={() => setChosen(null)}>{say("identity.new")}</button>
      </div>
      <One key={chosen?.id ?? "new"} identity={chosen} done={(id) => setChosen(identities.value.find((one) => one.id === id) ?? identities.value[0] ?? null)} />
    </dialog>
  );
}

async function reload(): Promise<void> {
  const found = await jmap().call([["Identity/get", { ids: null }, "i"]]);
  identities.value = found["i"].list as Identity[];
}

function One({ identity, done }: { identity: Identity | null; done: (id: string | null) => void }) {
  const api = useRef<FrameApi | null>(null);
  const [fault, setFault] = useState("");
  const keep = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const html = api.current?.get() ?? "";
    const text = plainOf(html);
    const values = { name: String(form.get("name")).trim(), htmlSignature: text ? html : "", textSignature: text };
    void guarded(async () => {
      const change = identity
        ? { update: { [identity.id]: values } }
        : { create: { n: { ...values, email: String(form.get("email")).trim() } } };
      const found = await jmap().call([["Identity/set", change, "s"]]);
      const wrong = (found["s"].notCreated?.n ?? found["s"].notUpdated?.[identity?.id ?? ""]) as { type: string } | undefined;
      if (wrong?.type === "forbiddenFrom") return setFault(say("identity.forbidden"));
      refuse(found["s"]);
      setFault("");
      await reload();
      tell(say("identity.saved"));
      done(identity?.id ?? (found["s"].created.n.id as string));
    });
  };
  const drop = () =>
    void guarded(async () => {
      await jmap().call([["Identity/set", { destroy: [identity!.id] }, "s"]]);
      await reload();
      done(null);
    });
  return (
    <form onSubmit={(event) => keep(event as unknown as SubmitEvent)}>
      {identity === null && (
        <label>
          {say("identity.email")}
          <input name="email" type="email" required autocomplete="off" />
        </label>
      )}
      <label>
        {say("identity.name")}
        <input name="name" defaultValue={identity?.name ?? ""} autocomplete="off" />
      </label>
      <span>{say("identity.signature")}</span>
      <SmallFrame label={say("identity.signature")} html={htmlOf(identity ?? undefined)} api={api} />
      <p class="fault" role="alert">{fault}</p>
      <div class="acts">
        <button class="main">{say("identity.save")}</button>
        {identity?.mayDelete && <button type="button" onClick={drop}>{say("identity.delete")}</button>}
      </div>
    </form>
  );
}
