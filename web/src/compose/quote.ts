/** What stands below an answer: the original, harmless, with who wrote it and when. */

import type { Address, BodyPart, Email } from "../jmap";
import { makeSafe } from "../safe";
import type { Language } from "../text";
import type { File, Quote } from "./letter";
import { escapeHtml, toHtml, toText } from "./plain";
import { sayIn } from "./text";
import type { Key } from "./text";

const STYLE = "margin:0 0 0 .8ex;border-left:2px solid #ccc;padding-left:1ex";

export const valueOf = (email: Email, part: BodyPart): string => (part.partId === null ? "" : (email.bodyValues?.[part.partId]?.value ?? ""));

/** Of the text of a letter: as it may be shown and sent on. */
export function readBody(email: Email): { html: string; text: string; rich: boolean; cids: string[] } {
  const pages = (email.htmlBody ?? []).filter((part) => part.type === "text/html");
  const plain = (email.textBody ?? []).filter((part) => part.type !== "text/html");
  const text = plain.map((part) => valueOf(email, part)).join("\n").trimEnd();
  if (pages.length === 0) return { html: toHtml(text), text, rich: false, cids: [] };
  // In the page that shows letters, where it is open: its policy takes their styles for what they are.
  const view = document.querySelector<HTMLIFrameElement>("iframe.body")?.contentWindow ?? window;
  const safe = makeSafe(pages.map((part) => valueOf(email, part)).join("<hr>"), view);
  for (const image of safe.fragment.querySelectorAll("img")) {
    const cid = image.dataset["cid"];
    if (cid !== undefined) image.setAttribute("src", `cid:${encodeURIComponent(cid)}`);
    // What was not loaded here is not loaded from our answer either.
    else if (!image.getAttribute("src")) image.remove();
    delete image.dataset["cid"];
  }
  // Of the sanitiser's document, which has no window: nothing is loaded.
  const box = safe.fragment.ownerDocument.createElement("div");
  box.append(safe.fragment);
  return { html: box.innerHTML, text: text || toText(box), rich: true, cids: safe.cids };
}

/** Pictures of the original that its text shows. */
export function inlineFiles(email: Email, cids: readonly string[]): File[] {
  const parts = [...(email.attachments ?? []), ...(email.htmlBody ?? [])];
  const found = parts.filter((part) => part.cid !== null && part.blobId !== null && cids.includes(part.cid));
  return found.map((part) => asFile(part, part.cid!));
}

export function asFile(part: BodyPart, cid: string | null = null): File {
  return {
    key: cid ?? crypto.randomUUID(), blobId: part.blobId, name: part.name ?? "attachment", type: part.type, size: part.size,
    inline: cid !== null, progress: 1, fault: "",
  };
}

/** Elements of a page, and lines of a text, that stand below an answer as they look: every save of it goes through all of them. */
const ELEMENTS_MOST = 10_000;
export const LINES_MOST = 5_000;

/** Whether it is too much to be worked on as a part of another letter. */
export function isHeavy(email: Email): boolean {
  const count = (parts: BodyPart[] | undefined, sought: RegExp) =>
    (parts ?? []).reduce((sum, part) => sum + (valueOf(email, part).match(sought)?.length ?? 0), 0);
  const rich = (email.htmlBody ?? []).some((part) => part.type === "text/html");
  return rich ? count(email.htmlBody, /<[a-z]/gi) > ELEMENTS_MOST : count(email.textBody, /\n/g) > LINES_MOST;
}

export function quoteOf(email: Email, kind: Quote["kind"], { html, text, cids } = readBody(email)): { quote: Quote; cids: string[] } {
  const who = email.from?.[0];
  const quote: Quote = {
    kind, html, text, name: who?.name || who?.email || "?", email: who?.email ?? "", date: email.receivedAt, to: email.to ?? [],
    cc: email.cc ?? [], subject: email.subject ?? "", language: languageOf(`${email.subject ?? ""} ${text}`),
  };
  return { quote, cids };
}

/** An answer speaks to its reader: in the language of the letter that is answered. */
export function languageOf(text: string): Language {
  const start = text.slice(0, 2000);
  return (start.match(/\p{Script=Han}/gu)?.length ?? 0) * 8 > start.replace(/\s/g, "").length ? "zh" : "en";
}

function moment(iso: string, language: Language): string {
  const date = new Date(iso);
  if (language === "zh") return date.toLocaleString("zh-CN", { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return date.toLocaleString("en-GB", { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

const people = (list: Address[]): string => list.map((one) => (one.name ? `${one.name} <${one.email}>` : one.email)).join(", ");

/** The lines above the original. */
export function headOf(quote: Quote): string[] {
  const say = (key: Key, facts = {}) => sayIn(quote.language, key, facts);
  const date = moment(quote.date, quote.language);
  if (quote.kind === "reply") return [say("quote.wrote", { date, name: quote.name })];
  const from = quote.name === quote.email ? quote.email : `${quote.name} <${quote.email}>`;
  return [
    say("quote.forwarded"),
    say("quote.from", { value: from }),
    say("quote.date", { value: date }),
    say("quote.subject", { value: quote.subject }),
    say("quote.to", { value: people(quote.to) }),
    ...(quote.cc.length > 0 ? [say("quote.cc", { value: people(quote.cc) })] : []),
  ];
}

export function quoteHtml(quote: Quote): string {
  const head = headOf(quote).map((line) => `<div>${escapeHtml(line)}</div>`).join("");
  if (quote.kind === "forward") return `<div><br></div>${head}<div><br></div><div>${quote.html}</div>`;
  return `<div><br></div>${head}<blockquote type="cite" style="${STYLE}">${quote.html}</blockquote>`;
}

export function quoteText(quote: Quote): string {
  const head = headOf(quote).join("\n");
  if (quote.kind === "forward") return `\n\n${head}\n\n${quote.text}`;
  return `\n\n${head}\n${quote.text.split("\n").map((line) => (line.startsWith(">") ? `>${line}` : `> ${line}`)).join("\n")}\n`;
}
