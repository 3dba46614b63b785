/** Mail in from files, and out into files. */

import { useRef, useState } from "preact/hooks";
import { JmapError } from "../jmap";
import type { Id } from "../jmap";
import { byRole, explain, jmap, mailboxes, nameOf, refresh, guarded } from "../store";
import { exportFolder } from "./exporting";
import { Card, Field } from "./parts";
import { NoLetters, field, lettersIn } from "./mailfiles";
import type { FoundLetter } from "./mailfiles";
import { say } from "./transfer.text";

const TOGETHER = 20;
const UPLOADS = 3;
const PAGE = 1000;
const KEPT = "posthouse.import";

export function Transfer() {
  return (
    <>
      <Import />
      <Export />
    </>
  );
}

function Folder({ label, value, change, disabled }: { label: string; value: Id; change: (id: Id) => void; disabled: boolean }) {
  return (
    <Field label={label}>
      <select value={value} disabled={disabled} onChange={(event) => change(event.currentTarget.value)}>
        {mailboxes.value.map((box) => (
          <option key={box.id} value={box.id}>
            {nameOf(box)}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** The folder chosen; until one is, that of the role, once the folders are known. */
function useFolder(role: string): [Id, (id: Id) => void] {
  const [chosen, choose] = useState("");
  return [chosen || (byRole(role)?.id ?? mailboxes.value[0]?.id ?? ""), choose];
}

interface Counts {
  done: number;
  same: number;
  failed: number;
}

/** A file, and the folder it goes into: where an import of it stopped. */
const placeOf = (file: File, box: Id): string => `${KEPT}.${file.name}.${file.size}.${file.lastModified}.${box}`;
const keptPlace = (file: File, box: Id): number => Number(localStorage.getItem(placeOf(file, box)) ?? 0);

function Import() {
  const [files, setFiles] = useState<File[]>([]);
  const [box, setBox] = useFolder("archive");
  const [at, setAt] = useState<{ name: string; part: number } | null>(null);
  const [counts, setCounts] = useState<Counts>({ done: 0, same: 0, failed: 0 });
  const [faults, setFaults] = useState<string[]>([]);
  const [told, setTold] = useState("");
  const running = useRef(false);

  const fault = (text: string) => setFaults((all) => [...all.slice(-9), text]);
  const start = async () => {
    running.current = true;
    setFaults([]);
    setTold(say("import.looking"));
    const sum: Counts = { done: 0, same: 0, failed: 0 };
    try {
      const known = await knownLetters(box);
      setTold("");
      for (const file of files) {
        const from = keptPlace(file, box);
        setAt({ name: file.name, part: from / file.size });
        let batch: FoundLetter[] = [];
        const flush = async () => {
          const end = batch.at(-1)?.end;
          await importAll(batch, box, known, sum, fault);
          batch = [];
          if (end !== undefined) localStorage.setItem(placeOf(file, box), String(end));
          setCounts({ ...sum });
          setAt({ name: file.name, part: (end ?? file.size) / file.size });
        };
        try {
          for await (const letter of lettersIn(file, from)) {
            if (!running.current) break;
            batch.push(letter);
            if (batch.length >= TOGETHER) await flush();
          }
          if (running.current) await flush();
        } catch (error) {
          if (!(error instanceof NoLetters)) throw error;
          fault(say("import.none", { name: file.name }));
        }
        if (!running.current) break;
        localStorage.removeItem(placeOf(file, box));
      }
      setTold(say(running.current ? "import.done" : "import.stopped", { ...sum }));
    } catch (error) {
      fault(explain(error));
      setTold(say("import.stopped", { ...sum }));
    } finally {
      running.current = false;
      setAt(null);
      void guarded(refresh);
    }
  };
  const resumed = files.map((file) => keptPlace(file, box) / file.size).find((part) => part > 0);
  return (
    <Card id="import" title={say("import")} hint={say("import.about")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Field label={say("import.files")}>
          <input
            type="file"
            multiple
            required
            disabled={at !== null}
            accept=".mbox,.mbx,.eml,.zip,.tar,.tgz,.gz,message/rfc822,application/mbox"
            onChange={(event) => {
              setFiles([...(event.currentTarget.files ?? [])]);
              setTold("");
            }}
          />
        </Field>
        <Folder label={say("import.into")} value={box} change={setBox} disabled={at !== null} />
        {resumed !== undefined && at === null && <p class="hint">{say("import.resume", { percent: Math.round(100 * resumed) })}</p>}
        {at && <progress max={1} value={at.part} aria-label={say("progress")} />}
        <p role="status">{told || (at && say("import.progress", { name: at.name, done: counts.done, same: counts.same }))}</p>
        {faults.length > 0 && (
          <div class="fault" role="alert">
            {faults.map((text, number) => (
              <p key={number}>{text}</p>
            ))}
          </div>
        )}
        <div class="actions">
          {at || told === say("import.looking") ? (
            <button type="button" onClick={() => (running.current = false)}>
              {say("import.stop")}
            </button>
          ) : (
            <button class="main" disabled={files.length === 0}>
              {say("import.start")}
            </button>
          )}
        </div>
      </form>
    </Card>
  );
}

/** Message-ID and length -> the letters of a folder that have them. */
type Known = Map<string, Id[]>;
const keyOf = (messageId: string, size: number): string => `${messageId} ${size}`;

async function knownLetters(box: Id): Promise<Known> {
  const known: Known = new Map();
  for (let position = 0; ; position += PAGE) {
    const found = await jmap().call([
      ["Email/query", { filter: { inMailbox: box }, position, limit: PAGE }, "q"],
      ["Email/get", { "#ids": { resultOf: "q", name: "Email/query", path: "/ids" }, properties: ["messageId", "size", "blobId"] }, "g"],
    ]);
    for (const one of found["g"].list as { messageId: string[] | null; size: number; blobId: Id }[]) note(known, keyOf(one.messageId?.[0] ?? "", one.size), one.blobId);
    if ((found["q"].ids as Id[]).length < PAGE) return known;
  }
}

function note(known: Known, key: string, blob: Id): void {
  known.set(key, [...(known.get(key) ?? []), blob]);
}

async function digest(content: Uint8Array): Promise<string> {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", content as Uint8Array<ArrayBuffer>));
  return btoa(String.fromCharCode(...found));
}

/** Those that are there already: the same Message-ID and length, and then the same SHA-256. */
async function without(letters: FoundLetter[], known: Known): Promise<{ fresh: FoundLetter[]; same: number }> {
  const alike = letters.map((one) => known.get(keyFor(one)) ?? []);
  const asked = [...new Set(alike.flat())];
  if (asked.length === 0) return { fresh: letters, same: 0 };
  const found = await jmap().call([["Blob/get", { ids: asked, properties: ["digest:sha-256"] }, "b"]]);
  const digests = new Map((found["b"].list as Record<string, string>[]).map((one) => [one["id"]!, one["digest:sha-256"]!]));
  const fresh = [];
  for (const [at, one] of letters.entries()) {
    const own = alike[at]!.length > 0 ? await digest(one.content) : "";
    if (!alike[at]!.some((id) => digests.get(id) === own)) fresh.push(one);
  }
  return { fresh, same: letters.length - fresh.length };
}

function keyFor(one: FoundLetter): string {
  return keyOf(/<([^<>]+)>/.exec(field(one.content, "Message-ID"))?.[1] ?? "", one.content.length);
}

/** What the file says; else the server takes it from the newest Received field, and where there is none, it is the letter's Date. */
function receivedAt(one: FoundLetter): string | null {
  if (one.receivedAt || field(one.content, "Received")) return one.receivedAt;
  const date = new Date(field(one.content, "Date"));
  return Number.isNaN(date.getTime()) ? null : date.toISOString().replace(/\.\d+Z$/, "Z");
}

async function importAll(letters: FoundLetter[], box: Id, known: Known, sum: Counts, fault: (text: string) => void): Promise<void> {
  const { fresh, same } = await without(letters, known);
  sum.same += same;
  const emails: Record<string, unknown> = {};
  for (let at = 0; at < fresh.length; at += UPLOADS) {
    const some = fresh.slice(at, at + UPLOADS);
    const blobs = await Promise.all(some.map((one) => jmap().upload(new Blob([one.content as Uint8Array<ArrayBuffer>], { type: "message/rfc822" }))));
    for (const [number, one] of some.entries()) {
      const moment = receivedAt(one);
      emails[`e${at + number}`] = { blobId: blobs[number]!.blobId, mailboxIds: { [box]: true }, keywords: one.keywords, ...(moment && { receivedAt: moment }) };
    }
  }
  if (fresh.length === 0) return;
  const found = (await jmap().call([["Email/import", { emails }, "i"]]))["i"];
  for (const [key, made] of Object.entries((found.created ?? {}) as Record<string, { blobId: Id }>)) {
    sum.done += 1;
    note(known, keyFor(fresh[Number(key.slice(1))]!), made.blobId);
  }
  for (const error of Object.values((found.notCreated ?? {}) as Record<string, { type: string; description?: string }>)) {
    // What is full stays full: going on would only fail again and again.
    if (error.type === "overQuota") throw new JmapError(error.type, error.description ?? error.type);
    sum.failed += 1;
    fault(say("import.refused", { reason: error.description ?? error.type }));
  }
}

function Export() {
  const [box, setBox] = useFolder("inbox");
  const [format, setFormat] = useState<"mbox" | "zip">("mbox");
  const [progress, setProgress] = useState<{ done: number; total: number } | null>(null);
  const [told, setTold] = useState("");
  const running = useRef(false);
  const start = async () => {
    running.current = true;
    setTold("");
    setProgress({ done: 0, total: 0 });
    try {
      let count = 0;
      const file = await exportFolder(
        box,
        format,
        (now) => {
          count = now.total;
          setProgress(now);
        },
        () => running.current,
      );
      if (file) {
        const mailbox = mailboxes.value.find((one) => one.id === box);
        const link = document.createElement("a");
        link.href = URL.createObjectURL(file);
        link.download = `${mailbox ? nameOf(mailbox) : "mail"}.${format}`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
        setTold(say("export.done", { total: count }));
      }
    } catch (error) {
      setTold(error instanceof RangeError ? say("export.large") : explain(error));
    } finally {
      running.current = false;
      setProgress(null);
    }
  };
  return (
    <Card id="export" title={say("export")} hint={say("export.about")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="fields">
          <Folder label={say("export.folder")} value={box} change={setBox} disabled={progress !== null} />
          <Field label={say("export.format")}>
            <select value={format} disabled={progress !== null} onChange={(event) => setFormat(event.currentTarget.value as "mbox")}>
              <option value="mbox">{say("export.mbox")}</option>
              <option value="zip">{say("export.zip")}</option>
            </select>
          </Field>
        </div>
        {progress && <progress max={Math.max(1, progress.total)} value={progress.done} aria-label={say("progress")} />}
        <p role="status">{told || (progress && say("export.progress", progress))}</p>
        <div class="actions">
          {progress ? (
            <button type="button" onClick={() => (running.current = false)}>
              {say("import.stop")}
            </button>
          ) : (
            <button class="main">{say("export.start")}</button>
          )}
        </div>
      </form>
    </Card>
  );
}
