/** All windows in which letters are written, and the ways in which they open. */

import { effect, untracked } from "@preact/signals";
import { answering, openScheduled, writing } from "../draft";
import { mended } from "../reading/repaired";
import { later } from "../views/lazy";
import type { Address, Email, Jmap } from "../jmap";
import { offline, queued } from "../offline";
import { client, expired, guarded, identities, jmap, keepOpen, mailboxes, refresh, tell } from "../store";
import { isAway, post } from "./home";
import { Icon } from "../views/icon";
import { same, unique } from "./addresses";
import { destroyKept, edit, look, remove, save } from "./keep";
import { Letter, letters } from "./letter";
import type { Draft } from "./letter";
import { forgetMirror, hold, lost, mirror } from "./mirror";
import { toHtml } from "./plain";
import { asFile, inlineFiles, isHeavy, quoteOf, readBody } from "./quote";
import { say as sayShared } from "../text";
import { say } from "./text";
import { retryAll, upload } from "./upload";
import { begun } from "./sign";
import { Window } from "./window";
import "./style.css";

/** How letters are sent; here before it is needed, as there may be no connection then. */
export const sending = () => import("./send");
setTimeout(() => void sending().catch(() => undefined));

const Again = later(() => import("./again").then((found) => found.Again));
const Scheduled = later(() => import("./scheduled").then((found) => found.Scheduled));

export function Desk() {
  const list = letters.value;
  const shown = list.filter((one) => !one.small.value);
  const current = shown[shown.length - 1];
  return (
    <>
      {current && <Window key={current.key} letter={current} />}
      {list.length > (current ? 1 : 0) && (
        <section class={`aside${current ? "" : " alone"}`} aria-label={say("aside")}>
          <ul>
          {list.filter((one) => one !== current).map((one) => (
            <li key={one.key}>
              <button onClick={() => bring(one)} aria-label={say(one.queued.value ? "queued.open" : "open", { subject: titleOf(one) })}>
                <Icon name={one.queued.value ? "sent" : "drafts"} /> <span class="name">{titleOf(one)}</span>
              </button>
              <button class="plain" aria-label={say("putaway", { subject: titleOf(one) })} onClick={() => void close(one)}>
                <Icon name="close" />
              </button>
            </li>
          ))}
          </ul>
        </section>
      )}
      {openScheduled.value && <Scheduled />}
      {expired.value && <Again />}
    </>
  );
}

const titleOf = (letter: Letter): string => letter.draft.value.subject || letter.draft.value.to[0]?.name || letter.draft.value.to[0]?.email || say("title");

effect(() => {
  writing.value = letters.value.filter((one) => !one.small.value).length;
  keepOpen.value = letters.value.length > 0;
  answering.value = letters.value.flatMap((one) => one.draft.value.origin ?? []);
});
// After every change on the server that is told of.
effect(() => {
  if (mailboxes.value.length > 0) untracked(() => void (letters.value.length > 0 && guarded(look)));
});

// A window that is left may never be seen again.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden") return;
  for (const one of letters.value) {
    if (one.saved.value === "new" || one.saved.value instanceof Date) continue;
    void mirror(one);
    void save(one);
  }
});

// Somebody else may sign in here: letters of before stay in the browser, for who wrote them.
effect(() => {
  if (client.value !== null) return;
  untracked(() => letters.value.forEach((one) => one.release()));
  letters.value = [];
});
effect(() => {
  queued.value = letters.value.filter((one) => one.queued.value).length;
});
// The connection is back, somebody signed in again, or a letter waits though there is a connection.
effect(() => {
  if (!offline.value && !expired.value && queued.value >= 0) untracked(() => void catchUp());
});

const AGAIN_MS = 2000;
let catching = false;

/** What waited for the connection: drafts are kept, windows that were closed go, letters are sent.  What goes wrong is tried again. */
async function catchUp(): Promise<void> {
  if (catching) return;
  catching = true;
  for (const one of letters.value) {
    retryAll(one);
    if (one.saved.value === "local" && !one.queued.value) await save(one);
    if (one.closing && one.saved.value instanceof Date) remove(one);
  }
  await sendQueued();
  catching = false;
  const waits = letters.value.some((one) => one.queued.value || one.closing || one.saved.value === "local");
  if (waits && !offline.value && !expired.value) setTimeout(catchUp, AGAIN_MS);
}

async function sendQueued(): Promise<void> {
  if (letters.value.some((one) => one.queued.value)) await sending().then((found) => found.drain()).catch(() => undefined);
}

/** To the front. */
export function bring(letter: Letter): void {
  letter.small.value = false;
  letter.closing = false;
  letter.queued.value = false; // it is written on
  letters.value = [...letters.value.filter((one) => one !== letter), letter];
}

export function show(letter: Letter): Letter {
  letter.draft.value = begun(letter.draft.value);
  void hold(letter.key).then((release) => (letter.release = release ?? (() => undefined)));
  letters.value = [...letters.value, letter];
  if (isAway()) void guarded(() => bringFiles(letter, jmap()));
  return letter;
}

/** Files of another account come along by way of this browser. */
async function bringFiles(letter: Letter, from: Jmap): Promise<void> {
  for (const file of letter.draft.value.files.filter((one) => one.blobId !== null && one.source === undefined)) {
    const source = new Blob([await from.download(file.blobId!, file.type, file.name)], { type: file.type });
    const files = letter.draft.value.files.map((one) => (one.key === file.key ? { ...one, source, blobId: null, progress: 0 } : one));
    edit(letter, { files });
    void upload(letter, file.key);
  }
}

/** What was taken back is in front again, as it was; it is a draft on the server. */
export function reopen(letter: Letter): void {
  const again = new Letter(letter.draft.value, letter.kept, letter.key);
  again.saved.value = new Date();
  show(again);
}

// --- opening ---

const bare = (list: Address[] | null | undefined) => (list ?? []).map(({ name, email }) => ({ name, email }));

export function begin(start: { to?: Address[]; subject?: string; text?: string }): void {
  const text = start.text ?? "";
  show(new Letter({ ...identityFor(), to: bare(start.to), subject: start.subject ?? "", text, html: text ? toHtml(text) : "" }));
}

/** Write as whom the letter was for. */
function identityFor(email?: Email): Partial<Draft> {
  const { session, account } = jmap();
  const team = { name: null, email: session.accounts[account]!.name };
  const named = [...(isAway() ? [team] : []), ...(email?.to ?? []), ...(email?.cc ?? []), ...(email?.from ?? [])];
  const found = named.map((each) => identities.value.find((one) => same(one, each))).find((one) => one);
  return found ? { identity: found.id } : {};
}

/** Of a heavy letter the words alone stand below. */
export async function answer(original: Email, all: boolean): Promise<void> {
  const email = mended(original);
  const heavy = isHeavy(email);
  const words = heavy ? await import("./words").catch(() => null) : null;
  if (heavy && words === null) return tell(sayShared("error.network"));
  const own = identities.value.map((one) => ({ name: null, email: one.email }));
  const isOwn = (one: Address) => own.some((each) => same(one, each));
  const mine = (email.from ?? []).some(isOwn);
  const to = bare(mine ? email.to : email.replyTo?.length ? email.replyTo : email.from);
  const others = all ? bare([...(mine ? [] : (email.to ?? [])), ...(email.cc ?? [])]) : [];
  const { quote, cids } = quoteOf(email, "reply", words?.readWords(email));
  if (words) tell(words.say("words"));
  show(new Letter({
    ...identityFor(email),
    to: unique(to),
    cc: unique(others, [...own, ...to]),
    subject: prefixed("Re: ", email.subject),
    quote,
    files: inlineFiles(email, cids),
    inReplyTo: email.messageId ?? [],
    references: [...(email.references ?? []), ...(email.messageId ?? [])],
    origin: { id: email.id, account: jmap().account, keyword: "$answered" },
  }));
}

export function pass(original: Email): void {
  const email = mended(original);
  const whole = isHeavy(email); // goes along as a file
  const { quote, cids } = quoteOf(whole ? { ...email, htmlBody: [], textBody: [] } : email, "forward");
  const inline = inlineFiles(email, cids);
  const files = (email.attachments ?? []).filter((part) => part.blobId !== null && !inline.some((one) => one.blobId === part.blobId));
  const letter = show(new Letter({
    ...identityFor(email),
    subject: prefixed("Fwd: ", email.subject),
    quote,
    files: [...files.map((part) => asFile(part)), ...inline],
    references: [...(email.references ?? []), ...(email.messageId ?? [])],
    origin: { id: email.id, account: jmap().account, keyword: "$forwarded" },
  }));
  if (whole) void enclose(letter).then((done) => void (done && import("./words").then((words) => tell(words.say("whole")))));
}

/** The original goes along whole, as a file with its header as it came, instead of standing below. */
export function enclose(letter: Letter): Promise<boolean> {
  return guarded(async () => {
    const { origin, quote, files } = letter.draft.value;
    const found = await jmap().at(origin!.account).call([["Email/get", { ids: [origin!.id], properties: ["blobId", "size"] }, "g"]]);
    const { blobId, size } = found["g"].list[0] as { blobId: string; size: number };
    const name = `${(quote?.subject ?? "").replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ").trim().slice(0, 80) || say("title")}.eml`;
    const file = { key: crypto.randomUUID(), blobId, size, name, type: "message/rfc822", inline: false, progress: 1, fault: "" };
    // Its own files are in it.
    edit(letter, { quote: null, files: [...files.filter((one) => one.source !== undefined), file] });
    if (origin!.account !== post().account) await bringFiles(letter, jmap().at(origin!.account));
  });
}

const RESUMED = [
  "id", "messageId", "inReplyTo", "references", "from", "sender", "to", "cc", "bcc", "subject", "textBody", "htmlBody", "attachments", "bodyValues",
  "header:Disposition-Notification-To:asAddresses", "header:X-Priority:asText",
];

export async function fetchWhole(id: string, where = post()): Promise<Email & Record<string, unknown>> {
  const found = await where.call([
    [
      "Email/get",
      {
        ids: [id], properties: RESUMED, bodyProperties: ["partId", "blobId", "size", "name", "type", "charset", "disposition", "cid"],
        fetchTextBodyValues: true, fetchHTMLBodyValues: true,
      },
      "g",
    ],
  ]);
  return found["g"].list[0] as Email & Record<string, unknown>;
}

export function draftOf(email: Email & Record<string, unknown>): Partial<Draft> {
  const { html, text, rich, cids } = readBody(email);
  const inline = inlineFiles(email, cids);
  const files = (email.attachments ?? []).filter((part) => part.blobId !== null && !inline.some((one) => one.blobId === part.blobId));
  const from = email.from?.[0];
  const identity = identities.value.find((one) => from && same(one, from));
  const priority = String(email["header:X-Priority:asText"] ?? "").trim()[0];
  return {
    ...(identity ? { identity: identity.id } : {}),
    to: bare(email.to), cc: bare(email.cc), bcc: bare(email.bcc), subject: email.subject ?? "", html, text, rich,
    files: [...files.map((part) => asFile(part)), ...inline],
    ...(email.messageId?.[0] ? { messageId: email.messageId[0] } : {}),
    inReplyTo: (email["inReplyTo"] as string[] | null) ?? [], references: email.references ?? [],
    receipt: Boolean(email["header:Disposition-Notification-To:asAddresses"]),
    priority: priority === "1" || priority === "2" ? "high" : priority === "4" || priority === "5" ? "low" : "normal",
    behalf: Boolean(email["sender"]),
    signed: true,
  };
}

export async function resume(email: Email): Promise<void> {
  const open = letters.value.find((one) => one.kept === email.id);
  if (open) return bring(open);
  await guarded(async () => {
    // A draft of somebody else is the beginning of a letter of one's own.
    show(new Letter(draftOf(await fetchWhole(email.id, jmap())), isAway() ? null : email.id));
  });
}

function prefixed(prefix: string, subject: string | null): string {
  const text = subject ?? "";
  const there = prefix.startsWith("Re") ? /^(re|回复|答复)[:：]/i : /^(fwd?|转发)[:：]/i;
  return there.test(text) ? text : prefix + text;
}

/** What the last session of this browser did not bring to the server. */
export async function recover(): Promise<void> {
  const found = (await lost(client.value!.home)).filter((one) => !letters.value.some((each) => each.key === one.key));
  for (const one of found) one.small.value = found.length > 1 || one.queued.value;
  letters.value = [...letters.value, ...found];
  const written = found.filter((one) => !one.queued.value).length;
  if (written > 0) tell(say("recovered", { count: written }));
  for (const one of found) {
    retryAll(one);
    if (!one.queued.value) void save(one);
  }
  await sendQueued();
}

// --- closing ---

/** Before somebody signs out.  False: some are in this browser only, and signing out would lose them. */
export async function putAllAway(): Promise<boolean> {
  for (const one of [...letters.value]) await close(one);
  if (letters.value.length > 0) tell(say("signout.lost", { count: letters.value.length }));
  return letters.value.length === 0;
}

/** Nothing was written that anybody would miss. */
function isEmpty(letter: Letter): boolean {
  return letter.version === 0 && letter.kept === null;
}

/** Put it away; it stays among the drafts. */
export async function close(letter: Letter): Promise<void> {
  letter.collect();
  if (isEmpty(letter)) return remove(letter);
  if (letter.saved.value !== "new" && !(letter.saved.value instanceof Date) && !(await save(letter))) {
    letter.small.value = true; // not on the server yet: it stays at hand until it is
    letter.closing = true;
    return;
  }
  remove(letter);
  await guarded(refresh);
}

export function discard(letter: Letter): void {
  const run = () => {
    letters.value = letters.value.filter((one) => one !== letter);
    void guarded(async () => {
      await destroyKept(letter);
      remove(letter);
      await forgetMirror(letter.key);
      await refresh();
    });
  };
  if (isEmpty(letter)) return run();
  letter.question.value = { text: [say("confirm")], yes: say("confirm.yes"), run };
}
