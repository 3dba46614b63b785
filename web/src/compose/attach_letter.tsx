/** A letter that is here goes along as a file: chosen from those found. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Email, Id } from "../jmap";
import { guarded } from "../store";
import { formatSize, formatWhen, say as sayShared } from "../text";
import { Icon } from "../views/icon";
import { post } from "./home";
import { edit } from "./keep";
import type { Letter } from "./letter";
import { say } from "./text_extras";
import { refusal } from "./upload";

const SHOWN = 40;
const PAUSE_MS = 250;
type Row = Pick<Email, "id" | "subject" | "from" | "receivedAt" | "size"> & { blobId: Id };

export function AttachLetter({ letter, close }: { letter: Letter; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [sought, setSought] = useState("");
  const [rows, setRows] = useState<Row[] | null>(null);
  const [fault, setFault] = useState("");
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    const asked = new AbortController();
    const timer = setTimeout(() => {
      void guarded(async () => {
        const found = await find(sought.trim(), asked.signal).catch((error: unknown) => {
          if (asked.signal.aborted) return null;
          throw error;
        });
        if (found) setRows(found);
      });
    }, sought ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [sought]);
  const attached = new Set(letter.draft.value.files.map((one) => one.blobId));
  const attach = (row: Row) => {
    const name = `${(row.subject ?? "").replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").trim().slice(0, 80) || sayShared("row.nosubject")}.eml`;
    const refused = refusal(letter, name, row.size);
    setFault(refused);
    if (refused) return;
    const file = { key: crypto.randomUUID(), blobId: row.blobId, size: row.size, name, type: "message/rfc822", inline: false, progress: 1, fault: "" };
    edit(letter, { files: [...letter.draft.value.files, file] });
  };
  return (
    <dialog ref={dialog} class="again scheduled" aria-labelledby="attach-title" onClose={close} onKeyDown={(event) => event.stopPropagation()}>
      <div class="top-line">
        <h2 id="attach-title">{say("attach.title")}</h2>
        <button class="plain" aria-label={sayShared("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <input type="search" aria-label={say("attach.search")} placeholder={say("attach.search")} value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      <p class="fault" role="alert">
        {fault}
      </p>
      <p class="empty" role="status">
        {rows === null ? sayShared("list.loading") : rows.length === 0 && say("attach.none")}
      </p>
      <ul class="rows">
        {rows?.map((row) => (
          <li key={row.id}>
            <button class="plain" disabled={attached.has(row.blobId)} onClick={() => attach(row)}>
              <Icon name={attached.has(row.blobId) ? "check" : "clip"} />
              <span>
                <b>{row.subject || sayShared("row.nosubject")}</b>
                <small>
                  {row.from?.[0]?.name || row.from?.[0]?.email || sayShared("row.nobody")} · {formatWhen(row.receivedAt)} · {formatSize(row.size)}
                  {attached.has(row.blobId) && ` · ${say("attach.done")}`}
                </small>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </dialog>
  );
}

async function find(text: string, signal: AbortSignal): Promise<Row[]> {
  const conditions = [{ notKeyword: "$draft" }, ...(text ? [{ text }] : [])];
  const answer = await post().call(
    [
      ["Email/query", { filter: { operator: "AND", conditions }, sort: [{ property: "receivedAt", isAscending: false }], limit: SHOWN }, "q"],
      ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["id", "blobId", "subject", "from", "receivedAt", "size"] }, "g"],
    ],
    signal,
  );
  const found = answer["g"].list as Row[];
  return found.sort((one, other) => other.receivedAt.localeCompare(one.receivedAt));
}
