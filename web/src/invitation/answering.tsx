/** The answer to an invitation: chosen, sent to the organizer, shown from then on; and the file for a calendar. */

import { useEffect, useState } from "preact/hooks";
import type { Email } from "../jmap";
import { saveBlob } from "../reading/save";
import { client, fetchBlob, guarded, jmap } from "../store";
import { formatWhen } from "../text";
import { Icon } from "../views/icon";
import type { IconName } from "../views/icon";
import { addressesOf, organizerOf } from "./event";
import type { Answer, Found } from "./event";
import { say } from "./text";

const COMMENT_MAX = 2000;
const ANSWERS: readonly (readonly [Answer, IconName])[] = [
  ["accepted", "check"],
  ["tentative", "help"],
  ["declined", "close"],
];

const SILENT: readonly (string | undefined)[] = ["reply", "refresh"];

interface Props {
  email: Email;
  found: Found;
  over: boolean;
  done: () => void;
}

export function Answering({ email, found, over, done }: Props) {
  const { event } = found;
  const own = event["posthouse:invitation"];
  const [answered, setAnswered] = useState(own.answered);
  const [choosing, setChoosing] = useState(!answered?.isCurrent && !over);
  const [sending, setSending] = useState(false);
  const [comment, setComment] = useState("");
  const [told, setTold] = useState("");
  useEffect(() => setAnswered(own.answered), [own.answered]);
  const organizer = organizerOf(event)?.email ?? event.replyTo?.imip?.replace(/^mailto:/i, "") ?? "";
  const answers = own.canReply && client.value?.sends && event.status !== "cancelled";

  if (SILENT.includes(event.method)) return null; // there is nothing to say to it, and nothing for a calendar
  const send = async (answer: Answer) => {
    setSending(true);
    setTold("");
    const sent = await guarded(async () => {
      const told = (await jmap().call([["Invitation/reply", { blobId: found.blobId, uid: event.uid, answer, comment: comment.trim() }, "r"]]))["r"];
      own.answered = { answer, at: new Date().toISOString(), isCurrent: true };
      done();
      setAnswered(own.answered);
      setTold(say("answer.sent", { address: told.to as string }));
    });
    setSending(false);
    if (!sent) return;
    setComment("");
    setChoosing(false);
  };

  const keep = () => guarded(async () => saveBlob(await fetchBlob(found.blobId, "text/calendar", "invite.ics"), `${fileName(event.title ?? "")}.ics`));
  return (
    <div class="answering">
      {answered && event.method === "request" && (
        <p class={`answered ${answered.isCurrent ? answered.answer : ""}`}>
          <Icon name={ANSWERS.find(([answer]) => answer === answered.answer)?.[1] ?? "check"} />
          <span>
            <b>{say(`answered.${answered.answer}`)}</b> <span class="soft">{say("answered.at", { when: formatWhen(answered.at) })}</span>
            {!answered.isCurrent && <span class="before">{say("answered.before")}</span>}
          </span>
        </p>
      )}
      <p role="status" class="soft">
        {told}
      </p>
      {own.participantId && event.method === "request" && !own.canReply && organizerOf(event) === event.participants?.[own.participantId] && <p class="soft">{say("own")}</p>}
      {answers && choosing && (
        <>
          {!addressesOf(email).includes(organizer.toLowerCase()) && <p class="hint">{say("answer.to", { address: organizer })}</p>}
          <div class="choices" role="group" aria-label={say("answer")}>
            {ANSWERS.map(([answer, icon]) => (
              <button
                key={answer} class={answer} disabled={sending} aria-pressed={Boolean(answered?.isCurrent && answered.answer === answer)}
                onClick={() => void send(answer)}
              >
                <Icon name={icon} /> {say(`answer.${answer}`)}
              </button>
            ))}
          </div>
          <details>
            <summary>{say("answer.comment")}</summary>
            <textarea
              aria-label={say("answer.words")} rows={3} maxLength={COMMENT_MAX} value={comment} disabled={sending}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </details>
        </>
      )}
      <div class="choices">
        {answers && !choosing && (
          <button class="plain" onClick={() => setChoosing(true)}>
            {say(answered ? "answer.change" : "answer")}
          </button>
        )}
        {event.method !== "cancel" && (
          <button class="plain" onClick={() => void keep()}>
            <Icon name="download" /> {say("keep")}
          </button>
        )}
      </div>
    </div>
  );
}

const fileName = (title: string): string => title.replace(/[\\/:*?"<>|\p{C}]/gu, "_").trim().slice(0, 80) || "invite";
