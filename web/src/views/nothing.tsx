/** Where there is nothing: what that means, and what one can do.  Loaded when it is first so. */

import type { ComponentChildren } from "preact";
import { here, place } from "../store";
import { Icon } from "./icon";
import type { IconName } from "./icon";
import { say } from "./nothing.text";
import type { NothingKey as Key } from "./nothing.text";

function Nothing({ icon, text, children }: { icon: IconName; text: string; children?: ComponentChildren }) {
  return (
    <div class="nothing">
      <Icon name={icon} />
      <b>{text}</b>
      {children}
    </div>
  );
}

const OF_ROLE: Record<string, [icon: IconName, text: Key, hint?: Key]> = {
  inbox: ["inbox", "list.empty.inbox"],
  drafts: ["drafts", "list.empty.drafts", "list.empty.drafts.hint"],
  sent: ["sent", "list.empty.sent"],
  archive: ["archive", "list.empty", "list.empty.archive.hint"],
  junk: ["junk", "list.empty.junk"],
  trash: ["trash", "list.empty.trash"],
};

/** In place of the rows of the list. */
export function NoRows() {
  if (place.value.search === "is:snoozed") {
    return (
      <Nothing icon="clock" text={say("list.empty.snoozed")}>
        <p>{say("list.empty.snoozed.hint")}</p>
      </Nothing>
    );
  }
  if (place.value.search) {
    return (
      <Nothing icon="search" text={say("list.empty.search")}>
        <p>{say("list.empty.search.hint")}</p>
      </Nothing>
    );
  }
  const [icon, text, hint] = OF_ROLE[here.value?.role ?? ""] ?? (["folder", "list.empty"] as const);
  return (
    <Nothing icon={icon} text={say(text)}>
      {hint && <p>{say(hint)}</p>}
    </Nothing>
  );
}

/** In place of a letter. */
export function NoLetter() {
  return (
    <Nothing icon="logo" text={say("read.none")}>
      <p class="wide-only">{say("read.none.hint")}</p>
    </Nothing>
  );
}

/** In the list of all accounts. */
export function NoRowsAnywhere() {
  const { search } = place.value;
  return <Nothing icon={search ? "search" : "inbox"} text={say(search ? "list.empty.search" : "list.empty.inbox")} />;
}
