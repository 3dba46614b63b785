/** A file looked at without being kept: pictures, PDF, text, letters inside of letters.  Loaded when first asked for. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Email } from "../jmap";
import { formatAddresses } from "../draft";
import { client, explain, fetchBlob } from "../store";
import { formatMoment, formatSize, say } from "../text";
import { Icon } from "../views/icon";
import { Body } from "./body";
import { Files, saveFile } from "./files";
import type { File_ } from "./files";
import { encodingOf } from "./repair";
import { ENCODINGS, charsetOf } from "./repaired";
import { mending } from "./repair.text";
import { behind } from "./behind.text";
import { read } from "./texts";

const TEXT_MAX_BYTES = 1024 * 1024;

interface Props {
  files: File_[];
  at: number;
  turn: (at: number) => void;
  close: () => void;
}

export default function Preview({ files, at, turn, close }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const looked = files.map((one, index) => ({ one, index })).filter(({ one }) => one.kind !== "other");
  const here = looked.findIndex(({ index }) => index === at);
  const go = (by: number) => {
    const next = looked[here + by];
    if (next) turn(next.index);
  };
  const file = files[at]!;
  return (
    <dialog
      ref={dialog} class="looking" aria-label={file.name} onClose={close}
      onKeyDown={(event) => {
        if (event.target instanceof HTMLElement && event.target.closest("select, input")) return;
        if (event.key === "ArrowRight") go(1);
        if (event.key === "ArrowLeft") go(-1);
      }}
    >
      <header>
        <h2>{file.name}</h2>
        <small>
          {formatSize(file.part.size)}
          {looked.length > 1 && ` · ${here + 1} / ${looked.length}`}
        </small>
        <span class="grow" />
        <button class="plain" disabled={here <= 0} aria-label={read("act.previous")} onClick={() => go(-1)}>
          <Icon name="back" />
        </button>
        <button class="plain turned" disabled={here + 1 >= looked.length} aria-label={read("act.next")} onClick={() => go(1)}>
          <Icon name="back" />
        </button>
        <button class="plain" aria-label={say("read.file", { name: file.name, size: formatSize(file.part.size) })} onClick={() => void saveFile(file)}>
          <Icon name="download" />
        </button>
        <button class="plain" aria-label={say("act.close")} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <div class="shown" tabIndex={0} role="group" aria-label={file.name}>
        <Content key={file.part.blobId} file={file} />
      </div>
    </dialog>
  );
}

function Content({ file }: { file: File_ }) {
  switch (file.kind) {
    case "picture":
      return <Picture file={file} />;
    case "pdf":
      return <Pdf file={file} />;
    case "letter":
      return <Embedded file={file} />;
    default:
      return <Text file={file} />;
  }
}

function useLoaded<T>(ask: () => Promise<T>): { value: T | null; fault: string } {
  const [state] = useState(() => signal<{ value: T | null; fault: string }>({ value: null, fault: "" }));
  useEffect(() => {
    ask().then(
      (value) => (state.value = { value, fault: "" }),
      (error: unknown) => (state.value = { value: null, fault: explain(error) }),
    );
  }, []);
  return state.value;
}

function Waiting({ fault }: { fault: string }) {
  return <p class={fault ? "fault" : "empty"} role="status">{fault || say("list.loading")}</p>;
}

function Picture({ file }: { file: File_ }) {
  const { value, fault } = useLoaded(async () => new Blob([await fetchBlob(file.part.blobId!, file.part.type, "picture")], { type: file.part.type }));
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (value === null) return;
    const made = URL.createObjectURL(value);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [value]);
  return url ? <img src={url} alt={file.name} /> : <Waiting fault={fault} />;
}

/** The browser's own viewer, from an address with a policy of its own. */
function Pdf({ file }: { file: File_ }) {
  const { value, fault } = useLoaded(async () => {
    const found = await client.value!.call([["File/sign", { blobIds: [file.part.blobId!] }, "f"]]);
    return found["f"].blobs[file.part.blobId!] as string | undefined;
  });
  if (!value) return <Waiting fault={fault} />;
  return <iframe class="pdf" src={value} title={file.name} />;
}

function Text({ file }: { file: File_ }) {
  const [wanted, setWanted] = useState<string | null>(null);
  const { value, fault } = useLoaded(async () => (await fetchBlob(file.part.blobId!, "application/octet-stream", "text")).slice(0, TEXT_MAX_BYTES).arrayBuffer());
  const found = useMemo(() => (value === null ? "" : encodingOf(value, file.part.charset, file.encoding)), [value]);
  if (value === null) return <Waiting fault={fault} />;
  const encoding = wanted ?? found;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding || charsetOf(file.part.charset));
  } catch {
    decoder = new TextDecoder(); // a charset that no browser knows
  }
  return (
    <>
      <label class="encoding">
        {mending("repair.as")}
        <select value={encoding} onChange={(event) => setWanted(event.currentTarget.value)}>
          <option value="">{mending("repair.labelled")}</option>
          {ENCODINGS.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {file.part.size > TEXT_MAX_BYTES && <p class="hint">{behind("inspect.cut")}</p>}
      <pre class="source">{decoder.decode(value)}</pre>
    </>
  );
}

function Embedded({ file }: { file: File_ }) {
  const { value, fault } = useLoaded(async () => {
    const found = await client.value!.call([
      [
        "Email/parse",
        {
          blobIds: [file.part.blobId!],
          properties: ["from", "to", "cc", "subject", "sentAt", "textBody", "htmlBody", "attachments", "bodyValues"],
          bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
          fetchTextBodyValues: true,
          fetchHTMLBodyValues: true,
          maxBodyValueBytes: TEXT_MAX_BYTES,
        },
        "p",
      ],
    ]);
    return (found["p"].parsed?.[file.part.blobId!] ?? null) as (Email & { sentAt: string | null }) | null;
  });
  if (value === null) return <Waiting fault={fault} />;
  const email = { ...value, id: file.part.blobId!, keywords: {}, mailboxIds: {} };
  return (
    <article class="letter embedded">
      <h2>{email.subject || say("row.nosubject")}</h2>
      <p>{formatAddresses(email.from)}</p>
      <p class="to">
        {say("read.to")}: {formatAddresses(email.to)}
      </p>
      {value.sentAt && <time dateTime={value.sentAt}>{formatMoment(value.sentAt)}</time>}
      <Body email={email} />
      <Files email={email} />
    </article>
  );
}
