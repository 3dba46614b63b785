/** Sending: what is asked before, and what is done after. */

import { effect } from "@preact/signals";
import type { Id } from "../jmap";
import { settings } from "../preferences";
import { guarded, jmap, notice, refresh, tell } from "../store";
import { formatMoment } from "../text";
import { plainOf, sender } from "./body";
import { reopen } from "./desk";
import { edit, remove, save } from "./keep";
import { known, learn } from "./known";
import { letters } from "./letter";
import type { Draft, Letter } from "./letter";
import { mirror } from "./mirror";
import { commit } from "./people";
import { SendFault, cancel, mostDelay, submit, wasSent } from "./submission";
import { say } from "./text_send";
import { warnings } from "./warn";

const MENTIONS_FILE = /附件|附上|随附|随信附|见附|附后|附图|attach(ed|ment|ing)?\b|enclos(ed|ure)/i;

/** Why it cannot be sent. */
function refusal(draft: Draft, at: Date | null): string {
  const all = [...draft.to, ...draft.cc, ...draft.bcc];
  const bad = all.filter((one) => one.bad);
  if (bad.length > 0) return say("bad", { addresses: bad.map((one) => one.email).join(", ") });
  if (all.length === 0) return say("nobody");
  const failed = draft.files.find((one) => one.fault && !one.inline);
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
  return [...warnings(draft, sender(draft).email, await known()), ...found];
}

/** As the button does: refuse, ask, wait for uploads, send; at its time if one is given. */
export async function trySend(letter: Letter, at: Date | null = null): Promise<void> {
  letter.collect();
  for (const field of ["to", "cc", "bcc"] as const) commit(letter, field);
  const no = refusal(letter.draft.value, at);
  letter.fault.value = no;
  if (no) return;
  const text = await doubts(letter.draft.value);
  const go = () => whenUploaded(letter, () => void send(letter, at));
  if (text.length > 0) letter.question.value = { text, yes: say("anyway"), run: go };
  else go();
}

function whenUploaded(letter: Letter, run: () => void): void {
  if (!letter.busy.value) return run();
  letter.fault.value = say("uploading");
  const stop = effect(() => {
    if (letter.busy.value) return;
    queueMicrotask(() => {
      stop();
      letter.fault.value = "";
      if (letters.value.includes(letter) && letter.draft.value.files.every((one) => one.blobId !== null)) run();
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
      if (!(await save(letter)) || letter.kept === null || letter.conflict.value) return;
      letter.maybeSent = true;
      await mirror(letter);
      const submission = await submit(letter.draft.value, letter.kept, at ?? settings.value.undoSeconds).catch((error: unknown) => {
        // The server said no: it was not sent.  Anything else may have happened on the way back.
        if (!(error instanceof SendFault)) throw error;
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

async function finish(letter: Letter, submission: Id | null, at: Date | null): Promise<void> {
  const { to, cc, bcc, origin } = letter.draft.value;
  learn([...to, ...cc, ...bcc]);
  remove(letter);
  const seconds = settings.value.undoSeconds;
  const undo = submission && (at || seconds > 0) ? () => void takeBack(letter, submission) : undefined;
  if (at) tell(say("later.done", { time: formatMoment(at.toISOString()) }), undo);
  else tell(say("sent"), undo, undo ? seconds * 1000 : undefined);
  if (origin) await jmap().call([["Email/set", { update: { [origin.id]: { [`keywords/${origin.keyword}`]: true } } }, "o"]]);
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
