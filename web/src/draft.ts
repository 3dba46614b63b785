/** A letter while it is written: kept on the server three seconds after the last change, sent as a submission. */

import { signal } from "@preact/signals";
import type { Address, Email, Id, Jmap } from "./jmap";
import { JmapError } from "./jmap";
import { makeSafe } from "./safe";
import { byRole, client, explain, guarded, identities, refresh, tell } from "./store";
import { formatMoment, say } from "./text";

const SAVE_AFTER_MS = 3000;
const ADDRESS = /^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+$/;
const MENTIONS_FILE = /附件|附上|随信附|attach(ed|ment)|enclosed/i;

export interface File {
  blobId: Id;
  name: string;
  type: string;
  size: number;
}

export interface Draft {
  to: string;
  cc: string;
  bcc: string;
  subject: string;
  text: string;
  files: File[];
  inReplyTo: string[];
  references: string[];
  /** The letter that is answered or passed on, and what is noted on it once this is sent. */
  origin: { id: Id; keyword: "$answered" | "$forwarded" } | null;
}

export const draft = signal<Draft | null>(null);
export const saved = signal<"new" | "dirty" | "saving" | Date>("new");

let kept: Id | null = null; // on the server
let timer = 0;
let saving: Promise<void> = Promise.resolve();

const EMPTY: Draft = { to: "", cc: "", bcc: "", subject: "", text: "", files: [], inReplyTo: [], references: [], origin: null };

export function compose(start: Partial<Draft> = {}, id: Id | null = null): void {
  clearTimeout(timer);
  kept = id;
  saved.value = "new";
  draft.value = { ...EMPTY, ...start };
}

export function edit(change: Partial<Draft>): void {
  if (draft.value === null) return;
  draft.value = { ...draft.value, ...change };
  saved.value = "dirty";
  clearTimeout(timer);
  timer = window.setTimeout(() => void guarded(save), SAVE_AFTER_MS);
}

// --- answering ---

export function formatAddresses(list: Address[] | null | undefined): string {
  return (list ?? []).map((one) => (one.name ? `"${one.name.replace(/["\\]/g, "")}" <${one.email}>` : one.email)).join(", ");
}

export function reply(email: Email, all: boolean): void {
  const own = new Set(identities.value.map((one) => one.email.toLowerCase()));
  const mine = (email.from ?? []).some((one) => own.has(one.email.toLowerCase()));
  const to = mine ? email.to : email.replyTo?.length ? email.replyTo : email.from;
  const others = all ? [...(mine ? [] : (email.to ?? [])), ...(email.cc ?? [])] : [];
  const named = new Set([...own, ...(to ?? []).map((one) => one.email.toLowerCase())]);
  compose({
    to: formatAddresses(to),
    cc: formatAddresses(others.filter((one) => !named.has(one.email.toLowerCase()))),
    subject: prefixed("Re: ", email.subject),
    text: `\n\n${quote(email)}`,
    inReplyTo: email.messageId ?? [],
    references: [...(email.references ?? []), ...(email.messageId ?? [])],
    origin: { id: email.id, keyword: "$answered" },
  });
}

export function forward(email: Email): void {
  const head = [
    say("write.forwarded"),
    `${say("read.date")}: ${formatMoment(email.receivedAt)}`,
    `From: ${formatAddresses(email.from)}`,
    `${say("read.to")}: ${formatAddresses(email.to)}`,
    `${say("write.subject")}: ${email.subject ?? ""}`,
  ];
  compose({
    subject: prefixed("Fwd: ", email.subject),
    text: `\n\n${head.join("\n")}\n\n${plainText(email)}`,
    files: (email.attachments ?? [])
      .filter((part) => part.blobId !== null)
      .map((part) => ({ blobId: part.blobId!, name: part.name ?? "attachment", type: part.type, size: part.size })),
    references: [...(email.references ?? []), ...(email.messageId ?? [])],
    origin: { id: email.id, keyword: "$forwarded" },
  });
}

export function resume(email: Email): void {
  compose(
    {
      to: formatAddresses(email.to),
      cc: formatAddresses(email.cc),
      bcc: formatAddresses(email.bcc),
      subject: email.subject ?? "",
      text: plainText(email),
      files: (email.attachments ?? [])
        .filter((part) => part.blobId !== null)
        .map((part) => ({ blobId: part.blobId!, name: part.name ?? "attachment", type: part.type, size: part.size })),
      references: email.references ?? [],
    },
    email.id,
  );
}

function prefixed(prefix: string, subject: string | null): string {
  const text = subject ?? "";
  return text.toLowerCase().startsWith(prefix.trim().toLowerCase()) ? text : prefix + text;
}

export function plainText(email: Email): string {
  const pieces = (email.textBody ?? []).map((part) => {
    const value = part.partId !== null ? (email.bodyValues?.[part.partId]?.value ?? "") : "";
    if (part.type !== "text/html") return value;
    return makeSafe(value).fragment.textContent ?? "";
  });
  return pieces.join("\n").trimEnd();
}

function quote(email: Email): string {
  const who = email.from?.[0];
  const head = say("write.wrote", { date: formatMoment(email.receivedAt), name: who?.name || who?.email || "?" });
  return `${head}\n${plainText(email).split("\n").map((line) => `> ${line}`).join("\n")}\n`;
}

// --- keeping and sending ---

/** Commas and semicolons, also those of Chinese keyboards, between addresses, but not inside quotes. */
export function parseAddresses(text: string): { good: Address[]; bad: string[] } {
  const good: Address[] = [];
  const bad: string[] = [];
  for (const piece of text.match(/(?:"[^"]*"|[^",;，；、])+/g) ?? []) {
    const one = piece.trim();
    if (!one) continue;
    const named = /^"?(.*?)"?\s*<([^<>]+)>$/.exec(one);
    const email = (named ? named[2]! : one).trim();
    if (ADDRESS.test(email)) good.push({ name: named?.[1]?.trim() || null, email });
    else bad.push(one);
  }
  return { good, bad };
}

function body(current: Draft): Record<string, unknown> {
  const identity = identities.value[0];
  const text = { partId: "t", type: "text/plain" };
  const files = current.files.map(({ blobId, name, type }) => ({ blobId, name, type, disposition: "attachment" }));
  return {
    mailboxIds: { [byRole("drafts")!.id]: true },
    keywords: { $draft: true, $seen: true },
    from: identity ? [{ name: identity.name || null, email: identity.email }] : [{ name: null, email: client.value!.address }],
    to: parseAddresses(current.to).good,
    cc: parseAddresses(current.cc).good,
    bcc: parseAddresses(current.bcc).good,
    subject: current.subject,
    ...(current.inReplyTo.length > 0 ? { inReplyTo: current.inReplyTo } : {}),
    ...(current.references.length > 0 ? { references: current.references.slice(-20) } : {}),
    bodyStructure: files.length > 0 ? { type: "multipart/mixed", subParts: [text, ...files] } : text,
    bodyValues: { t: { value: current.text } },
  };
}

function jmap(): Jmap {
  if (client.value === null) throw new JmapError("signin");
  return client.value;
}

/** One save after the other; each replaces the draft that is kept. */
export function save(): Promise<void> {
  saving = saving.catch(() => undefined).then(write);
  return saving;
}

async function write(): Promise<void> {
  const current = draft.value;
  if (current === null || saved.value !== "dirty") return;
  saved.value = "saving";
  try {
    const found = await jmap().call([
      ["Email/set", { create: { d: body(current) }, ...(kept ? { destroy: [kept] } : {}) }, "s"],
    ]);
    const fault = found["s"].notCreated?.d as { type: string; description?: string } | undefined;
    if (fault) throw new JmapError(fault.type, fault.description ?? "");
    kept = found["s"].created.d.id as Id;
    if (draft.value === current) saved.value = new Date();
    else saved.value = "dirty";
  } catch (error) {
    saved.value = "dirty";
    throw error;
  }
}

/** What speaks against sending: a refusal, or a question to be asked first. */
export function objections(current: Draft): { refusal?: string; question?: string } {
  const found = [current.to, current.cc, current.bcc].map(parseAddresses);
  const bad = found.flatMap((one) => one.bad);
  if (bad.length > 0) return { refusal: say("write.bad", { addresses: bad.join(", ") }) };
  if (found.every((one) => one.good.length === 0)) return { refusal: say("write.nobody") };
  const own = current.text.split(/\n>|\n-----/)[0] ?? "";
  if (current.files.length === 0 && MENTIONS_FILE.test(own)) return { question: say("write.forgotten") };
  if (!current.subject.trim()) return { question: say("write.subject.none") };
  return {};
}

export async function send(): Promise<boolean> {
  const current = draft.value;
  if (current === null) return false;
  clearTimeout(timer);
  return guarded(async () => {
    saved.value = "dirty";
    await save();
    const sent = byRole("sent");
    const drafts = byRole("drafts");
    const identity = identities.value[0];
    const onSuccess: Record<string, unknown> = { "keywords/$draft": null, [`mailboxIds/${drafts!.id}`]: null };
    if (sent) onSuccess[`mailboxIds/${sent.id}`] = true;
    const found = await jmap().call([
      [
        "EmailSubmission/set",
        { create: { s: { emailId: kept, identityId: identity?.id } }, onSuccessUpdateEmail: { "#s": onSuccess } },
        "s",
      ],
    ]);
    const fault = found["s"].notCreated?.s as { type: string; description?: string } | undefined;
    if (fault) throw new JmapError(fault.type, fault.description ?? "");
    if (current.origin) {
      await jmap().call([["Email/set", { update: { [current.origin.id]: { [`keywords/${current.origin.keyword}`]: true } } }, "o"]]);
    }
    draft.value = null;
    kept = null;
    tell(say("done.sent"));
    await refresh();
  });
}

export async function attach(files: FileList | globalThis.File[]): Promise<void> {
  for (const file of files) {
    try {
      const { blobId, type, size } = await jmap().upload(file);
      if (draft.value) edit({ files: [...draft.value.files, { blobId, name: file.name, type: file.type || type, size }] });
    } catch (error) {
      tell(`${file.name}: ${explain(error)}`);
    }
  }
}

export async function discard(): Promise<void> {
  clearTimeout(timer);
  draft.value = null;
  await guarded(async () => {
    await saving.catch(() => undefined);
    if (kept) await jmap().call([["Email/set", { destroy: [kept] }, "s"]]);
    kept = null;
    await refresh();
  });
}

/** Put it away; it stays among the drafts. */
export async function close(): Promise<void> {
  clearTimeout(timer);
  if (saved.value === "dirty" && !(await guarded(save))) return;
  draft.value = null;
  kept = null;
  await guarded(refresh);
}
