import { useState } from "preact/hooks";
import { forward, formatAddresses, isDraft, reply, resume } from "../draft";
import type { Email } from "../jmap";
import { Body } from "../reading/body";
import { Files, filesOf, isCalendar } from "../reading/files";
import { looksBroken, rename, repaired } from "../reading/repaired";
import { moveToRole, mute, remove, report, toggle } from "../reading/act";
import { over } from "../reading/over";
import { read } from "../reading/texts";
import { closeThread, open, whenHere } from "../reading/thread";
import { Badge, useTrust } from "../reading/trust";
import { Chips } from "../reading/labels";
import { client, cursor, everywhere, here, letters, may, openThread, place, total } from "../store";
import { formatWhen, say } from "../text";
import { Icon } from "./icon";
import type { IconName } from "./icon";
import { later } from "./lazy";

export function Reader() {
  const list = letters.value;
  useTrust(list);
  if (openThread.value === null) {
    return (
      <section class="reader none" aria-label={say("read.body")}>
        <NoLetter />
      </section>
    );
  }
  const last = list[list.length - 1];
  // What was clicked at: in "Sent" that is what was sent, whatever came in answer.
  const chosen = list.findLast((one) => one.mailboxIds[place.value.mailbox ?? ""]) ?? last;
  const team = client.value?.team;
  return (
    <section class="reader" aria-label={say("read.body")}>
      <Toolbar />
      {chosen === undefined ? (
        <p class="empty">{say("list.loading")}</p>
      ) : (
        <>
          <h1 class="title" tabIndex={-1}>
            {rename(chosen, chosen.subject || say("row.nosubject"))} <Chips email={chosen} />
          </h1>
          {team && <Claimed />}
          {list.map((email) => (
            <Letter key={email.id} email={email} initially={email === last || email === chosen || !email.keywords["$seen"]} />
          ))}
          {team && <Below />}
        </>
      )}
    </section>
  );
}

interface ToolProps {
  icon: IconName;
  label: string;
  hint?: string;
  run: () => void;
  pressed?: boolean;
  off?: boolean;
  /** It need not wait for the letter. */
  now?: boolean;
}

function Tool({ icon, label, hint, run, pressed, off, now }: ToolProps) {
  return (
    <button class="plain" aria-label={label} title={hint ? `${label} (${hint})` : label} aria-pressed={pressed} disabled={off} onClick={() => (now ? run() : whenHere(run))}>
      <Icon name={icon} />
    </button>
  );
}

function Toolbar() {
  const role = here.value?.role;
  const has = (keyword: string) => letters.value.some((one) => one.keywords[keyword]);
  const at = cursor.value;
  const keywords = may("maySetKeywords");
  return (
    <div class="tools" role="toolbar" aria-label={read("act.all")}>
      <Tool icon="back" label={say("act.back")} hint="u" now run={closeThread} />
      {may("mayRemoveItems") && (
        <>
          {role !== "archive" && <Tool icon="archive" label={say("act.archive")} hint="e" run={() => void moveToRole("archive")} />}
          <Tool icon="trash" label={say(role === "trash" ? "act.delete.forever" : "act.delete")} hint="#" run={() => void remove()} />
          {role === "junk" ? (
            <Tool icon="inbox" label={read("act.notspam")} hint="!" run={() => void report(false)} />
          ) : (
            <Tool icon="junk" label={read("act.spam")} hint="!" run={() => void report(true)} />
          )}
        </>
      )}
      {may("maySetSeen") && <Tool icon="unread" label={say("act.unread")} hint="i" run={() => void toggle("$seen", false).then(closeThread)} />}
      {keywords && (
        <>
          <Tool icon="clock" label={read("act.snooze")} hint="b" run={() => (over.value = { kind: "snooze" })} />
          <Tool icon="star" label={say(has("$flagged") ? "act.unstar" : "act.star")} hint="s" pressed={has("$flagged")} run={() => void toggle("$flagged")} />
          <Tool icon="pin" label={read(has("$pinned") ? "act.unpin" : "act.pin")} hint="p" pressed={has("$pinned")} run={() => void toggle("$pinned")} />
          <Tool icon="label" label={read("act.label")} hint="l" run={() => (over.value = { kind: "label" })} />
        </>
      )}
      {may("mayRemoveItems") && <Tool icon="move" label={say("act.move")} hint="v" run={() => (over.value = { kind: "move" })} />}
      {may("mayAddItems") && <Tool icon="copy" label={read("act.copy")} hint="y" run={() => (over.value = { kind: "copy" })} />}
      {keywords && <Tool icon="mute" label={read(has("$muted") ? "act.unmute" : "act.mute")} hint="m" pressed={has("$muted")} run={() => void mute()} />}
      <Tool icon="print" label={read("act.print")} run={() => void import("../reading/print").then((one) => one.print(letters.value))} />
      <span class="grow" />
      {!everywhere.value && (
        <>
          <Tool icon="up" label={read("act.previous")} hint="k" now off={at === 0} run={() => void open(at - 1)} />
          <Tool icon="down" label={read("act.next")} hint="j" now off={at + 1 >= total.value} run={() => void open(at + 1)} />
        </>
      )}
    </div>
  );
}

/** Recipients in the one line that is there for them; the details have all. */
const NAMED_MAX = 50;

function Letter({ email, initially }: { email: Email; initially: boolean }) {
  const [shown, setShown] = useState(initially);
  const [details, setDetails] = useState(false);
  const [behind, setBehind] = useState(false);
  const sender = email.from?.[0];
  const name = rename(email, sender?.name || sender?.email || say("row.nobody"));
  return (
    <article class={`letter${shown ? "" : " folded"}`} aria-label={name}>
      <header>
        <button class="plain fold" aria-expanded={shown} onClick={() => setShown(!shown)}>
          <span class="face" aria-hidden="true">
            {[...name][0]?.toUpperCase()}
          </span>
          <span class="from">
            <b>{name}</b>
            <span class="address">
              {sender?.name && sender.email} <Badge email={email} />
            </span>
            <span class="to">{shown ? `${say("read.to")}: ${formatAddresses(email.to?.slice(0, NAMED_MAX))}` : email.preview}</span>
          </span>
          <time dateTime={email.receivedAt}>{formatWhen(email.receivedAt)}</time>
        </button>
      </header>
      {shown && (
        <>
          <div class="more">
            <button class="plain" aria-expanded={details} onClick={() => setDetails(!details)}>
              {say("act.more")}
            </button>
            <button class="plain" onClick={() => setBehind(true)}>
              <Icon name="route" /> {read("inspect.open")}
            </button>
            {!client.value?.sends ? null : isDraft(email) ? (
              <button onClick={() => resume(email)}>
                <Icon name="drafts" /> {say("row.draft")}
              </button>
            ) : (
              <>
                <button class="plain" onClick={() => reply(email, false)}>
                  <Icon name="reply" /> {say("act.reply")}
                </button>
                <button class="plain" onClick={() => reply(email, true)}>
                  <Icon name="replyall" /> {say("act.replyall")}
                </button>
                <button class="plain" onClick={() => forward(email)}>
                  <Icon name="forward" /> {say("act.forward")}
                </button>
              </>
            )}
          </div>
          {details && <Details email={email} />}
          {behind && <Behind email={email} close={() => setBehind(false)} />}
          {(details || repaired.value.has(email.id) || looksBroken(email)) && <Repair email={email} />}
          {filesOf(email).some(({ part }) => isCalendar(part)) && <Invitation email={email} />}
          <Body email={email} />
          <Files email={email} />
        </>
      )}
    </article>
  );
}

const NoLetter = later(() => import("./nothing").then((one) => one.NoLetter));
const Claimed = later(() => import("../team").then((one) => one.Claimed));
const Below = later(() => import("../team").then((one) => one.Below));
const Details = later(() => import("../reading/details").then((one) => one.Details), () => undefined);
const Behind = later(() => import("../reading/inspect").then((one) => one.default), ({ close }) => close());
const Repair = later(() => import("../reading/repairbar").then((one) => one.Repair));
const Invitation = later(() => import("../invitation").then((one) => one.default));
