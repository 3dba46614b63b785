/** The text of a letter: plain, or HTML in a frame that runs no script, under a policy of its own. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { BodyPart, Email } from "../jmap";
import { makeSafe } from "../safe";
import type { Remote } from "../safe";
import { fetchBlob, guarded } from "../store";
import { say } from "../text";
import type { LinkFound } from "./trust";
import { Warnings } from "./trust";
import { alwaysFrom, PictureBar, showRemote } from "./pictures";

export function Body({ email }: { email: Email }) {
  const html = (email.htmlBody ?? []).filter((part) => part.type === "text/html");
  const value = (part: BodyPart) => (part.partId === null ? undefined : email.bodyValues?.[part.partId]);
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
            <p key={at}>
              <Linked text={value(part)?.value ?? ""} />
            </p>
          ))}
        </div>
      )}
    </>
  );
}

const LINK = /(https?:\/\/[^\s<>"'，。、；：！？（）【】《》]+[^\s<>"'，。、；：！？（）【】《》.,;:!?)\]}])/;

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
