/** The draft was changed, sent or deleted elsewhere while it was open here: nothing is lost without a word. */

import { guarded, refresh } from "../store";
import { post } from "./home";
import { draftOf, fetchWhole } from "./desk";
import type { FrameApi } from "./frame";
import { remove, save } from "./keep";
import type { Letter } from "./letter";
import { say } from "./text_send";
import { showPictures } from "./upload";

export function Conflict({ letter, api }: { letter: Letter; api: { current: FrameApi | null } }) {
  const other = letter.conflict.value!.other;
  const settle = (work: () => Promise<void>) => () =>
    void guarded(async () => {
      await work();
      letter.conflict.value = null;
      await refresh();
    });
  const mine = settle(async () => {
    if (other) await post().call([["Email/set", { destroy: [other] }, "s"]]);
    if (other === null) letter.draft.value = { ...letter.draft.value, messageId: fresh(letter) };
    letter.saved.value = "dirty";
    await save(letter);
  });
  const theirs = settle(async () => {
    const start = draftOf(await fetchWhole(other!));
    if (letter.kept && letter.kept !== other) await post().call([["Email/set", { destroy: [letter.kept] }, "s"]]);
    letter.kept = other;
    letter.draft.value = { ...letter.draft.value, quote: null, ...start };
    letter.version += 1;
    letter.saved.value = new Date();
    await showPictures(letter);
    const pictures = letter.draft.value.files.filter((one) => one.url);
    api.current?.set(letter.draft.value.html, new Map(pictures.map((one) => [one.key, one.url!])));
  });
  const both = settle(async () => {
    letter.draft.value = { ...letter.draft.value, messageId: fresh(letter) };
    letter.saved.value = "dirty";
    await save(letter);
  });
  const gone = settle(async () => {
    if (letter.kept) await post().call([["Email/set", { destroy: [letter.kept] }, "s"]]);
    remove(letter);
  });
  return (
    <div class="question" role="alertdialog" aria-label={say("conflict.title")}>
      <p>{say(other ? "conflict.changed" : "conflict.gone")}</p>
      <button class="main" onClick={mine}>{say(other ? "conflict.mine" : "conflict.new")}</button>
      {other && <button onClick={theirs}>{say("conflict.theirs")}</button>}
      {other && <button onClick={both}>{say("conflict.both")}</button>}
      {!other && <button onClick={gone}>{say("conflict.drop")}</button>}
    </div>
  );
}

/** A letter of its own from now on. */
function fresh(letter: Letter): string {
  return `${crypto.randomUUID()}@${letter.draft.value.messageId.split("@")[1] ?? "localhost"}`;
}
