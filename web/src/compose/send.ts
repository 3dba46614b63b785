/** Sending: what is asked before, and what is done after. */

import { effect } from "@preact/signals";
import type { Id } from "../jmap";
import { offline } from "../offline";
import { settings } from "../preferences";
import { expired, guarded, jmap, notice, refresh, tell } from "../store";
import { formatMoment } from "../text";
import { plainOf, sender } from "./body";
import { bring, reopen } from "./desk";
import { edit, remove, save } from "./keep";
import { known, learn } from "./known";
import { letters } from "./letter";
import type { Draft, Letter } from "./letter";
import { mirror } from "./mirror";
import { commit } from "./people";
import { SendFault, cancel, mostDelay, submit, wasSent } from "./submission";
import { say } from "./text_send";
import { retryAll } from "./upload";
import { warnings } from "./warn";

const MENTIONS_FILE = /附件|附上|随附|随信附|见附|附后|附图|attach(ed|ment|ing)?\b|enclos(ed|ure)/i;

/** Why it cannot be sent. */
function refusal(draft: Draft, at: Date | null): string {
  const all = [...draft.to, ...draft.cc, ...draft.bcc];
  const bad = all.filter((one) => one.bad);
  if (bad.length > 0) return say("bad", { addresses: bad.map((one) => one.email).join(", ") });
  if (all.length === 0) return say("nobody");
  // Without a connection files wait with the letter.
  const failed = draft.files.find((one) => one.fault && !(offline.value && one.source));
  if (failed) return say("files.missing", { name: failed.name });
  if (at === null) return "";
  if (at.getTime() < Date.now()) return say("later.past");
  return at.getTime() > Date.now() + mostDelay() * 1000 ? say("later.far", { days: Math.floor(mostDelay() / 86_400) }) : "";
}

/** What somebody may have overlooked. */
async function doubts(draft: Draft): Promise<string[]> {
  const found: string[] = [];
  const own = draft.rich ? plainOf(draft.html.replace(/<blockquote[\s\S]*<\/blockquote>/gi, "")) : draft.text.split(/\n>|\n-----/)[0]!;
  const files = draft.files.some((one) => !one.inline);
  if (!files && MENTIONS_FILE.test(`${draft.subject.replace(/^(re|fwd?|回复|转发)[:：].*/i, "")}\n${own}`)) found.push(say("forgotten"));
  if (!draft.subject.trim()) found.push(say("subject.none"));
  // What cannot be asked now is no reason not to send.
  if (draft.origin) found.push(...(await meanwhile(draft.origin).catch(() => [])));
  return [...warnings(draft, sender(draft).email, await known()), ...found];
}

/** Another member of the team may have answered. */
async function meanwhile(origin: { id: Id; account: Id }): Promise<string[]> {
  return jmap().at(origin.account).team ? (await import("../team")).meanwhile(origin) : [];
}

/** As the button does: refuse, ask, wait for uploads, send; at its time if one is given. */
export async function trySend(letter: Letter, at: Date | null = null): Promise<void> {
  letter.collect();
  for (const field of ["to", "cc", "bcc"] as const) commit(letter, field);
  const no = refusal(letter.draft.value, at);
  letter.fault.value = no;
  if (no) return;
  const text = await doubts(letter.draft.value);
  const go = () => void whenUploaded(letter).then((there) => void (there && send(letter, at)));
  if (text.length > 0) letter.question.value = { text, yes: say("anyway"), run: go };
  else go();
}

/** Nothing goes without its files; those wait where there is no connection. */
const complete = (letter: Letter): boolean => offline.value || letter.draft.value.files.every((one) => one.blobId);

/** True: all files are on the server, or wait with the letter. */
function whenUploaded(letter: Letter): Promise<boolean> {
  if (!letter.busy.value) return Promise.resolve(complete(letter));
  letter.fault.value = say("uploading");
  return new Promise((resolve) => {
    const stop = effect(() => {
      if (letter.busy.value) return;
      queueMicrotask(() => {
        stop();
        letter.fault.value = "";
        resolve(letters.value.includes(letter) && complete(letter));
      });
    });
  });
}

/** Once, whatever happens to answers on their way. */
export async function send(letter: Letter, at: Date | null): Promise<void> {
  if (letter.sending.value) return;
  letter.sending.value = true;
  letter.fault.value = "";
  try {
    await guarded(async () => {
      if (letter.maybeSent && letter.kept && (await wasSent(letter.kept))) return finish(letter, null, at);
      letter.maybeSent = false;
      // The version that is sent is the one that is kept: always saved once more.
      letter.sentAt = at;
      edit(letter, {});
      if (!(await save(letter))) return letter.saved.value === "local" ? queue(letter) : undefined;
      // The server lost a file meanwhile, and it is on its way once more.
      if (!complete(letter)) return void (letter.fault.value = say("files.again"));
      if (letter.kept === null || letter.conflict.value) return;
      letter.maybeSent = true;
      await mirror(letter);
      const submission = await submit(letter.draft.value, letter.kept, at ?? settings.value.undoSeconds).catch((error: unknown) => {
        // The server said no: it was not sent.  Anything else may have happened on the way back.
        if (!(error instanceof SendFault)) {
          if (offline.value) return queue(letter).then(() => null);
          throw error;
        }
        letter.maybeSent = false;
        letter.fault.value = error.message;
        return null;
      });
      if (submission === null) return;
      letter.maybeSent = false;
      await finish(letter, submission, at);
    });
  } finally {
    letter.sending.value = false;
  }
}

/** It goes when the connection is back, also after this browser was closed. */
async function queue(letter: Letter): Promise<void> {
  letter.queued.value = true;
  letter.small.value = true;
  await mirror(letter);
  tell(say("queued"));
}

let draining = false;

/** What waits for the connection, one after the other. */
export async function drain(): Promise<void> {
  if (draining || offline.value) return;
  draining = true;
  const seen = new Set<Letter>();
  const next = () => letters.value.find((one) => one.queued.value && !seen.has(one));
  for (let letter = next(); letter !== undefined; letter = next()) {
    seen.add(letter);
    const at = letter.sentAt && +letter.sentAt > Date.now() ? letter.sentAt : null;
    letter.queued.value = false;
    retryAll(letter);
    if (await whenUploaded(letter)) await send(letter, at);
    else letter.fault.value = say("files.missing", { name: letter.draft.value.files.find((one) => !one.blobId)?.name ?? "" });
    if (!letters.value.includes(letter)) continue;
    const unanswered = letter.queued.value || letter.maybeSent || letter.saved.value === "local";
    letter.queued.value = unanswered || expired.value;
    // Refused: it is in front, with the reason.
    if (!letter.queued.value) bring(letter);
    if (offline.value || expired.value) break;
  }
  draining = false;
}

async function finish(letter: Letter, submission: Id | null, at: Date | null): Promise<void> {
  const { to, cc, bcc, origin } = letter.draft.value;
  learn([...to, ...cc, ...bcc]);
  remove(letter);
  const seconds = settings.value.undoSeconds;
  const undo = submission && (at || seconds > 0) ? () => void takeBack(letter, submission) : undefined;
  if (at) tell(say("later.done", { time: formatMoment(at.toISOString()) }), undo);
  else tell(say("sent"), undo, undo ? seconds * 1000 : undefined);
  if (origin) await jmap().at(origin.account).call([["Email/set", { update: { [origin.id]: { [`keywords/${origin.keyword}`]: true } } }, "o"]]);
  await refresh();
}

/** What was sent a moment ago comes back as it was. */
async function takeBack(letter: Letter, submission: Id): Promise<void> {
  notice.value = null;
  await guarded(async () => {
    if (!(await cancel(submission))) return tell(say("undo.late"));
    reopen(letter);
    tell(say("undo.done"));
    await refresh();
  });
}
