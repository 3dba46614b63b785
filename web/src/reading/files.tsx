/** What came with a letter: pictures as a gallery, files to look at or to keep, all of it at once. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { BodyPart, Email } from "../jmap";
import { client, fetchBlob, guarded } from "../store";
import { formatSize, say } from "../text";
import { Icon } from "../views/icon";
import { later } from "../views/lazy";
import { dangerOf } from "./lookalike";
import { rename, repaired } from "./repaired";
import type { Encoding } from "./repaired";
import { saveBlob } from "./save";
import { read } from "./texts";

export interface File_ {
  part: BodyPart;
  name: string;
  kind: "picture" | "pdf" | "text" | "letter" | "other";
  /** As which its letter was repaired. */
  encoding: Encoding | null;
}

const Preview = later(() => import("./preview").then((one) => one.default));
const THUMB_MAX_BYTES = 4 * 1024 * 1024;
const THUMBS_MAX = 24;
const LISTED_MAX = 60;

function kindOf(part: BodyPart, name: string): File_["kind"] {
  if (/^image\/(png|jpe?g|gif|webp|avif|bmp)$/.test(part.type)) return "picture";
  if (part.type === "application/pdf" || (part.type === "application/octet-stream" && /\.pdf$/i.test(name))) return "pdf";
  if (part.type === "message/rfc822") return "letter";
  if (/^text\/(?!html)/.test(part.type) || /^application\/(json|xml|ics)$/.test(part.type) || /\.(txt|md|csv|log|ics|vcf|json|xml|patch|diff)$/i.test(name)) return "text";
  return "other";
}

export const isCalendar = (part: BodyPart): boolean => /^(text\/calendar|application\/ics)$/.test(part.type) || /\.ics$/i.test(part.name ?? "");

/** Whether the text itself shows this picture. */
function isShown(email: Email, part: BodyPart): boolean {
  if (part.cid === null || !part.type.startsWith("image/")) return false;
  const pages = (email.htmlBody ?? []).filter((one) => one.type === "text/html" && one.partId !== null);
  return pages.some((one) => {
    const text = email.bodyValues?.[one.partId!]?.value ?? "";
    return [part.cid!, encodeURIComponent(part.cid!)].some((cid) => text.includes(`cid:${cid}`));
  });
}

export function filesOf(email: Email): File_[] {
  const shown = (email.htmlBody ?? []).some((part) => part.type === "text/html");
  const inline = shown ? [] : (email.textBody ?? []).filter((part) => part.type.startsWith("image/"));
  const all = [...inline, ...(email.attachments ?? []).filter((part) => !isShown(email, part))].filter((part) => part.blobId !== null);
  return [...new Map(all.map((part) => [part.blobId, part])).values()].map((part) => {
    const name = rename(email, part.name || (part.type === "message/rfc822" ? read("file.letter") : isCalendar(part) ? "invite.ics" : read("file.nameless")));
    return { part, name, kind: kindOf(part, name), encoding: repaired.value.get(email.id)?.encoding ?? null };
  });
}

export function Files({ email }: { email: Email }) {
  const files = filesOf(email);
  const [open, setOpen] = useState<number | null>(null);
  const [most, setMost] = useState(LISTED_MAX);
  if (files.length === 0) return null;
  const pictures = files.filter((one) => one.kind === "picture");
  const size = files.reduce((sum, one) => sum + one.part.size, 0);
  return (
    <section class="attached" aria-label={say("read.attachments")}>
      <header>
        <h2>{read("file.count", { count: files.length, size: formatSize(size) })}</h2>
        {files.length > 1 && (
          <button class="plain" onClick={() => void guarded(() => saveAll(email))}>
            <Icon name="download" /> {read("file.all")}
          </button>
        )}
      </header>
      {pictures.length > 0 && (
        <ul class="gallery">
          {pictures.slice(0, most).map((one, at) => (
            <li key={one.part.blobId}>
              <button aria-label={read("file.look", { name: one.name })} title={one.name} onClick={() => setOpen(files.indexOf(one))}>
                {at < THUMBS_MAX ? <Thumb file={one} /> : <Icon name="picture" />}
              </button>
            </li>
          ))}
        </ul>
      )}
      <ul class="files">
        {files.slice(0, most).map((one, at) => (
          <li key={one.part.blobId}>
            {one.kind === "other" || dangerOf(one.name) === "runs" || dangerOf(one.name) === "disguised" ? (
              <span class="file">
                <Icon name="clip" /> <span class="name">{one.name}</span> <small>{formatSize(one.part.size)}</small>
              </span>
            ) : (
              <button class="file" title={read("file.look", { name: one.name })} onClick={() => setOpen(at)}>
                <Icon name={one.kind === "picture" ? "picture" : one.kind === "letter" ? "unread" : "clip"} /> <span class="name">{one.name}</span>{" "}
                <small>{formatSize(one.part.size)}</small>
              </button>
            )}
            <button class="plain save" aria-label={say("read.file", { name: one.name, size: formatSize(one.part.size) })} onClick={() => void saveFile(one)}>
              <Icon name="download" />
            </button>
          </li>
        ))}
      </ul>
      {files.length > most && <button onClick={() => setMost(files.length)}>{read("file.more", { count: files.length - most })}</button>}
      {open !== null && <Preview files={files} at={open} turn={setOpen} close={() => setOpen(null)} />}
    </section>
  );
}

export function saveFile(file: File_): Promise<boolean> {
  return guarded(async () => saveBlob(await fetchBlob(file.part.blobId!, "application/octet-stream", file.name), file.name));
}

/** The server packs them while they are sent; the browser keeps them as they come. */
async function saveAll(email: Email): Promise<void> {
  const blob = email.id.split("_")[0]!;
  const found = await client.value!.call([["File/sign", { emailIds: [blob] }, "f"]]);
  const link = document.createElement("a");
  link.href = found["f"].emails[blob] as string;
  link.download = `${(email.subject || "files").replace(/[\\/:*?"<>|\p{Cc}]/gu, "_").slice(0, 80)}.zip`;
  link.click();
}

function Thumb({ file }: { file: File_ }) {
  const [url] = useState(() => signal(""));
  useEffect(() => {
    if (file.part.size > THUMB_MAX_BYTES) return;
    let made = "";
    let gone = false;
    fetchBlob(file.part.blobId!, file.part.type, "picture").then(
      (blob) => {
        if (!gone) url.value = made = URL.createObjectURL(new Blob([blob], { type: file.part.type }));
      },
      () => undefined,
    );
    return () => {
      gone = true;
      URL.revokeObjectURL(made);
    };
  }, [file.part.blobId]);
  return url.value ? <img src={url.value} alt="" /> : <Icon name="picture" />;
}
