/** The text of a letter: plain, or HTML in a frame that runs no script, under a policy of its own. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { BodyPart, Email } from "../jmap";
import type { Remote } from "../safe";
import { fetchBlob, guarded } from "../store";
import { formatSize, say } from "../text";
import { fitting } from "./fit";
import { leave, take } from "./frames";
import { PlainText } from "./plain";
import { read } from "./texts";
import { charsetOf, repaired } from "./repaired";
import type { LinkFound } from "./trust";
import { Warnings } from "./trust";
import { alwaysFrom, PictureBar, showRemote } from "./pictures";

export function Body({ email }: { email: Email }) {
  const html = (email.htmlBody ?? []).filter((part) => part.type === "text/html");
  const anew = repaired.value.get(email.id)?.values;
  const value = (part: BodyPart) => {
    const text = part.partId === null ? undefined : (anew?.get(part.partId) ?? whole?.get(part.partId));
    if (text !== undefined) return { value: text };
    return part.partId === null ? undefined : email.bodyValues?.[part.partId];
  };
  const truncated = Object.values(email.bodyValues ?? {}).some((one) => one.isTruncated);
  const [whole, setWhole] = useState<ReadonlyMap<string, string> | null>(null);
  const parts = html.length > 0 ? html : (email.textBody ?? []);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const showAll = async () => {
    const found = new Map<string, string>();
    for (const part of parts) if (part.partId && part.blobId) found.set(part.partId, await readWhole(part));
    setWhole(found);
  };
  const [links, setLinks] = useState<LinkFound[]>([]);
  return (
    <>
      <Warnings email={email} links={links} />
      {truncated && whole === null && (
        <div class="hint pictures">
          <p>{read("body.cut")}</p>
          {size <= SHOWN_MAX_BYTES && (
            <button onClick={() => void guarded(showAll)}>{read("body.all", { size: formatSize(size) })}</button>
          )}
        </div>
      )}
      {html.length > 0 ? (
        <Frame html={html.map((part) => value(part)?.value ?? "").join("<hr>")} email={email} found={setLinks} />
      ) : (
        <div class="plain-text">
          {(email.textBody ?? []).map((part, at) => (
            <div key={at}>
              <PlainText text={value(part)?.value ?? ""} />
            </div>
          ))}
        </div>
      )}
    </>
  );
}

const SHOWN_MAX_BYTES = 40 * 1024 * 1024;

/** Bytes that are decoded at once: what is read from a blob comes in a task of its own. */
const DECODED_BYTES = 1024 * 1024;

async function readWhole(part: BodyPart): Promise<string> {
  const data = await fetchBlob(part.blobId!, "application/octet-stream", "text");
  const decoder = decoderOf(charsetOf(part.charset));
  let text = "";
  for (let at = 0; at < data.size; at += DECODED_BYTES) text += decoder.decode(await data.slice(at, at + DECODED_BYTES).arrayBuffer(), { stream: true });
  return text + decoder.decode();
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder(); // a charset that no browser knows
  }
}

const QUOTED_CHARACTERS = 120;
const QUOTES_MAX = 1000;

/** What was quoted is folded away, a click shows it; that needs no script. */
function foldQuotes(page: Document): void {
  for (const quote of [...page.querySelectorAll("blockquote")].slice(0, QUOTES_MAX)) {
    if (quote.parentElement?.closest("blockquote") || (quote.textContent ?? "").length < QUOTED_CHARACTERS) continue;
    const details = page.createElement("details");
    const summary = page.createElement("summary");
    summary.textContent = read("quoted.show");
    quote.replaceWith(details);
    details.append(summary, quote);
  }
}

/** What makes foreign HTML safe; fetched as soon as the list is there. */
export const pouring = () => import("./pour");

/** Time between two heights of a frame that grows. */
const FIT_MS = 300;

interface FrameProps {
  html: string;
  email: Email;
  found: (links: LinkFound[]) => void;
}

function Frame({ html, email, found }: FrameProps) {
  const place = useRef<HTMLDivElement>(null);
  const [remote, setRemote] = useState<Remote[]>([]);
  const [shown, setShown] = useState(false);
  const [failed, setFailed] = useState(0);
  const show = (list: Remote[]) => {
    setShown(true);
    void guarded(() => showRemote(list, () => setFailed((count) => count + 1)));
  };
  useLayoutEffect(() => {
    const left = new AbortController();
    setFailed(0);
    setShown(false);
    const frame: HTMLIFrameElement = take(place.current!, left.signal, (page) => {
      let fitted = 0;
      const measure = fitting(page);
      const fit = () => {
        measure();
        fitted = performance.now();
      };
      // While it is poured, not at every piece: all that is seen is laid out anew each time.
      const observer = new ResizeObserver(() => (frame.hasAttribute("aria-busy") && performance.now() - fitted < FIT_MS ? undefined : fit()));
      observer.observe(page.body);
      observer.observe(place.current!);
      left.signal.addEventListener("abort", () => observer.disconnect());
      page.addEventListener("keydown", passOn, { signal: left.signal });
      void pouring().then((found) => found.pour(page, html, () => left.signal.aborted)).then((safe) => {
        if (left.signal.aborted) return;
        frame.removeAttribute("aria-busy");
        fit();
        setRemote(safe.remote);
        found(safe.links);
        foldQuotes(page);
        void showInline(page, email);
      });
    });
    frame.title = say("read.body");
    frame.setAttribute("aria-busy", "true");
    return () => {
      left.abort();
      leave(frame);
    };
  }, [html]);
  const always = alwaysFrom(email);
  useEffect(() => {
    if (always && !shown && remote.some((one) => one.kind !== "pixel")) show(remote);
  }, [always, remote]);
  const pixels = remote.filter((one) => one.kind === "pixel").length;
  return (
    <>
      <PictureBar
        email={email} images={remote.length - pixels} pixels={pixels} failed={failed} shown={shown} show={() => show(remote)}
      />
      <div ref={place} class="fit" />
    </>
  );
}

/** Keys mean the same in a letter. */
function passOn({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): void {
  dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey, metaKey, altKey }));
}

async function showInline(page: Document, email: Email): Promise<void> {
  for (const image of page.querySelectorAll<HTMLImageElement>("img[data-cid]")) {
    const part = [...(email.attachments ?? []), ...(email.htmlBody ?? [])].find((one) => one.cid === image.dataset["cid"]);
    if (!part?.blobId || !/^image\/(png|jpe?g|gif|webp)$/.test(part.type)) continue;
    const blob = await fetchBlob(part.blobId, part.type, part.name ?? "image").catch(() => null);
    if (blob) image.src = await dataUrl(new Blob([blob], { type: part.type }));
  }
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
