/** Sending: what is asked before, and what is done after. */

import { effect } from "@preact/signals";
import type { Id } from "../jmap";
import { JmapError } from "../jmap";
import { byRole, guarded, jmap, refresh, tell } from "../store";
import { identityOf, plainOf, sender } from "./body";
import { edit, remove, save } from "./keep";
import { known, learn } from "./known";
import { letters } from "./letter";
import type { Draft, Letter } from "./letter";
import { commit } from "./people";
import { say } from "./text";
import { warnings } from "./warn";

const MENTIONS_FILE = /附件|附上|随附|随信附|见附|附后|attach(ed|ment|ing)?\b|enclos(ed|ure)/i;

/** Why it cannot be sent. */
function refusal(draft: Draft): string {
  const all = [...draft.to, ...draft.cc, ...draft.bcc];
  const bad = all.filter((one) => one.bad);
  if (bad.length > 0) return say("bad", { addresses: bad.map((one) => one.email).join(", ") });
  return all.length === 0 ? say("nobody") : "";
}

/** What somebody may have overlooked. */
async function doubts(draft: Draft): Promise<string[]> {
  const found: string[] = [];
  const own = draft.rich ? plainOf(draft.html.replace(/<blockquote[\s\S]*<\/blockquote>/gi, "")) : draft.text.split(/\n>|\n-----/)[0]!;
  const files = draft.files.some((one) => !one.inline);
  if (!files && MENTIONS_FILE.test(`${draft.subject.replace(/^(re|fwd?|回复|转发)[:：]/i, "")}\n${own}`)) found.push(say("forgotten"));
  if (!draft.subject.trim()) found.push(say("subject.none"));
  const warned = warnings(draft, sender(draft).email, await known());
  return [...warned, ...found];
}

/** As the button does: refuse, ask, wait for uploads, send. */
export async function trySend(letter: Letter): Promise<void> {
  letter.collect();
  for (const field of ["to", "cc", "bcc"] as const) commit(letter, field);
  const no = refusal(letter.draft.value);
  letter.fault.value = no;
  if (no) return;
  const text = await doubts(letter.draft.value);
  const go = () => void whenUploaded(letter, () => void send(letter));
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

export async function send(letter: Letter): Promise<void> {
  if (letter.sending.value) return;
  letter.sending.value = true;
  try {
    await guarded(async () => {
      // The version that is sent is the one that is kept: always saved once more.
      edit(letter, {});
      if (!(await save(letter)) || letter.kept === null) return;
      await submit(letter, letter.kept);
    });
  } finally {
    letter.sending.value = false;
  }
}

async function submit(letter: Letter, email: Id): Promise<void> {
  const draft = letter.draft.value;
  const sent = byRole("sent");
  const onSuccess: Record<string, unknown> = { "keywords/$draft": null, [`mailboxIds/${byRole("drafts")!.id}`]: null };
  if (sent) onSuccess[`mailboxIds/${sent.id}`] = true;
  const found = await jmap().call([
    [
      "EmailSubmission/set",
      { create: { s: { emailId: email, identityId: identityOf(draft)?.id } }, onSuccessUpdateEmail: { "#s": onSuccess } },
      "s",
    ],
  ]);
  const fault = found["s"].notCreated?.s as { type: string; description?: string } | undefined;
  if (fault) throw new JmapError(fault.type, fault.description ?? "");
  learn([...draft.to, ...draft.cc, ...draft.bcc]);
  if (draft.origin) await jmap().call([["Email/set", { update: { [draft.origin.id]: { [`keywords/${draft.origin.keyword}`]: true } } }, "o"]]);
  remove(letter);
  tell(say("sent"));
  await refresh();
}
