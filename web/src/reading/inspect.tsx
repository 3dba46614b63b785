/** A letter seen from behind: its way, its header, its source.  Loaded when first asked for. */

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Email } from "../jmap";
import { client, explain, fetchBlob } from "../store";
import { Icon } from "../views/icon";
import { Way } from "./journey";
import type { Leg } from "./journey";
import { saveBlob } from "./save";
import { language, say } from "../text";
import { behind } from "./behind.text";

const TABS = ["journey", "headers", "source"] as const;
const SHOWN_BYTES = 512 * 1024;

export default function Inspect({ email, close }: { email: Email; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [tab, setTab] = useState<(typeof TABS)[number]>("journey");
  useEffect(() => dialog.current?.showModal(), []);
  const turn = (event: KeyboardEvent) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length]!;
    setTab(next);
    document.getElementById(`inspect-${next}`)?.focus();
  };
  return (
    <dialog ref={dialog} class="inspect" aria-label={email.subject ?? ""} onClose={close}>
      <header role="presentation">
        <div role="tablist" aria-label={behind("inspect.title")} onKeyDown={turn}>
          {TABS.map((one) => (
            <button
              key={one} id={`inspect-${one}`} class="plain" role="tab" aria-selected={tab === one} aria-controls="inspect-panel"
              tabIndex={tab === one ? 0 : -1} onClick={() => setTab(one)}
            >
              {behind(`inspect.${one}`)}
            </button>
          ))}
        </div>
        <button class="plain" aria-label={say("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <div id="inspect-panel" role="tabpanel" aria-labelledby={`inspect-${tab}`} tabIndex={0}>
        {tab === "journey" ? <Journey email={email} /> : tab === "headers" ? <Headers email={email} /> : <Source email={email} />}
      </div>
    </dialog>
  );
}

/** What an answer of the server becomes: shown, or why not. */
function useAnswer<T>(ask: () => Promise<T>, key: unknown): { value: T | null; fault: string } {
  const [state] = useState(() => signal<{ value: T | null; fault: string }>({ value: null, fault: "" }));
  useEffect(() => {
    ask().then(
      (value) => (state.value = { value, fault: "" }),
      (error: unknown) => (state.value = { value: null, fault: explain(error) }),
    );
  }, [key]);
  return state.value;
}

function Waiting({ fault }: { fault: string }) {
  return <p class={fault ? "fault" : "empty"} role="status">{fault || say("list.loading")}</p>;
}

function Journey({ email }: { email: Email }) {
  const { value, fault } = useAnswer(async () => {
    const found = await client.value!.call([["Journey/get", { ids: [email.id], language: language.value }, "j"]]);
    return ((found["j"].list[0]?.legs ?? []) as Leg[]);
  }, [email.id, language.value].join());
  if (value === null) return <Waiting fault={fault} />;
  if (value.length === 0) return <p class="empty">{behind("way.none")}</p>;
  return (
    <>
      {value.map((leg) => (
        <Way key={leg.trace + leg.direction} leg={leg} />
      ))}
    </>
  );
}

function Headers({ email }: { email: Email }) {
  const { value, fault } = useAnswer(async () => {
    const found = await client.value!.call([["Email/get", { ids: [email.id], properties: ["headers"] }, "h"]]);
    return (found["h"].list[0]?.headers ?? []) as { name: string; value: string }[];
  }, email.id);
  if (value === null) return <Waiting fault={fault} />;
  return (
    <table class="fields">
      <tbody>
        {value.map((one, at) => (
          <tr key={at}>
            <th scope="row">{one.name}</th>
            <td>{one.value.trim()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Source({ email }: { email: Email }) {
  const { value, fault } = useAnswer(async () => {
    const blob = await fetchBlob(email.id, "message/rfc822", "message.eml"); // a message's id is that of its bytes
    return { blob, text: await blob.slice(0, SHOWN_BYTES).text() };
  }, email.id);
  if (value === null) return <Waiting fault={fault} />;
  return (
    <>
      <p class="actions">
        <button onClick={() => saveBlob(value.blob, `${(email.subject || "message").replace(/[\\/:*?"<>|\p{Cc}]/gu, "_").slice(0, 80)}.eml`)}>
          <Icon name="download" /> {behind("inspect.save")}
        </button>
        <button onClick={() => void navigator.clipboard.writeText(value.text)}>{behind("inspect.copy")}</button>
        {value.blob.size > SHOWN_BYTES && <span>{behind("inspect.cut")}</span>}
      </p>
      <pre class="source">{value.text}</pre>
    </>
  );
}
