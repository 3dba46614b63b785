/** Where there is nothing: what that means, and what one can do. */

import type { ComponentChildren } from "preact";
import { here, loading, place } from "../store";
import { say } from "../text";
import type { Key } from "../text";
import { Icon } from "./icon";
import type { IconName } from "./icon";

export function Nothing({ icon, text, children }: { icon: IconName; text: string; children?: ComponentChildren }) {
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
  if (loading.value) return <p class="empty">{say("list.loading")}</p>;
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
