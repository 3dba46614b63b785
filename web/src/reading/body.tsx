/** The text of a letter: plain, or HTML in a frame that runs no script, under a policy of its own. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { BodyPart, Email } from "../jmap";
import { makeSafe } from "../safe";
import type { Remote } from "../safe";
import { fetchBlob, guarded } from "../store";
import { say } from "../text";
import { read } from "./texts";
import { repaired } from "./repair";
import type { LinkFound } from "./trust";
import { Warnings } from "./trust";
import { alwaysFrom, PictureBar, showRemote } from "./pictures";

export function Body({ email }: { email: Email }) {
  const html = (email.htmlBody ?? []).filter((part) => part.type === "text/html");
  const anew = repaired.value.get(email.id)?.values;
  const value = (part: BodyPart) => {
    const text = part.partId === null ? undefined : anew?.get(part.partId);
    if (text !== undefined) return { value: text };
    return part.partId === null ? undefined : email.bodyValues?.[part.partId];
  };
  const truncated = Object.values(email.bodyValues ?? {}).some((one) => one.isTruncated);
  const [links, setLinks] = useState<LinkFound[]>([]);
  return (
    <>
      <Warnings email={email} links={links} />
      {truncated && <p class="hint">{say("read.truncated")}</p>}
      {html.length > 0 ? (
        <Frame html={html.map((part) => value(part)?.value ?? "").join("<hr>")} email={email} found={setLinks} />
      ) : (
        <div class="plain-text">
          {(email.textBody ?? []).map((part, at) => (
            <div key={at}>
              <Folded text={value(part)?.value ?? ""} />
            </div>
          ))}
        </div>
      )}
    </>
  );
}

const LINK = /(https?:\/\/[^\s<>"'，。、；：！？（）【】《》]+[^\s<>"'，。、；：！？（）【】《》.,;:!?)\]}])/;

const QUOTED_LINES = 3;
const QUOTED_CHARACTERS = 120;

/** What was quoted is folded away, a click shows it. */
function Folded({ text }: { text: string }) {
  const runs: { quoted: boolean; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    const quoted = line.startsWith(">");
    const last = runs[runs.length - 1];
    if (last?.quoted === quoted) last.lines.push(line);
    else runs.push({ quoted, lines: [line] });
  }
  return (
    <>
      {runs.map(({ quoted, lines }, at) => {
        const shown = <Linked text={lines.join("\n") + (at + 1 < runs.length ? "\n" : "")} />;
        if (!quoted || lines.length < QUOTED_LINES) return <span key={at}>{shown}</span>;
        return (
          <details key={at} class="quoted">
            <summary>{read("quoted.show")}</summary>
            {shown}
          </details>
        );
      })}
    </>
  );
}

/** The same in HTML, where it needs no script. */
function foldQuotes(page: Document): void {
  for (const quote of page.querySelectorAll("blockquote")) {
    if (quote.parentElement?.closest("blockquote") || (quote.textContent ?? "").length < QUOTED_CHARACTERS) continue;
    const details = page.createElement("details");
    const summary = page.createElement("summary");
    summary.textContent = read("quoted.show");
    quote.replaceWith(details);
    details.append(summary, quote);
  }
}

function Linked({ text }: { text: string }) {
  return (
    <>
      {text.split(LINK).map((piece, at) =>
        at % 2 ? (
          <a key={at} href={piece} target="_blank" rel="noopener noreferrer nofollow">
            {piece}
          </a>
        ) : (
          piece
        ),
      )}
    </>
  );
}

function Frame({ html, email, found }: { html: string; email: Email; found: (links: LinkFound[]) => void }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [remote, setRemote] = useState<Remote[]>([]);
  const [shown, setShown] = useState(false);
  const [failed, setFailed] = useState(0);
  const show = (list: Remote[]) => {
    setShown(true);
    void guarded(() => showRemote(list, () => setFailed((count) => count + 1)));
  };
  useEffect(() => {
    const element = frame.current!;
    let observer: ResizeObserver | undefined;
    const fill = () => {
      const page = element.contentDocument;
      if (!page?.body || page.location.pathname !== "/mail/frame") return;
      const safe = makeSafe(html, page.defaultView!);
      setRemote(safe.remote);
      found(safe.links);
      setFailed(0);
      setShown(false);
      page.body.replaceChildren(page.adoptNode(safe.fragment));
      foldQuotes(page);
      observer?.disconnect();
      observer = new ResizeObserver(() => (element.style.height = `${page.body.scrollHeight}px`));
      observer.observe(page.body);
      page.addEventListener("keydown", (event) => {
        dispatchEvent(new KeyboardEvent("keydown", { key: event.key, ctrlKey: event.ctrlKey, metaKey: event.metaKey, altKey: event.altKey }));
      });
      void showInline(page, email);
    };
    element.addEventListener("load", fill);
    element.src = "/mail/frame";
    return () => {
      element.removeEventListener("load", fill);
      observer?.disconnect();
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
      <iframe ref={frame} class="body" title={say("read.body")} sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox" />
    </>
  );
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
