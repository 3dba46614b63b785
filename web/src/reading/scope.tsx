/** Above what a search found: where it looked, how its words were understood, and keeping it. */

import { client, everywhere, guarded, nameOf, mailboxes, place, visit } from "../store";
import { language, say } from "../text";
import { Icon } from "../views/icon";
import { unchoose } from "./act";
import { nameIn } from "./language";
import { terms, understood } from "./query";
import { recollectAll, remember } from "./remembered";
import { read } from "./texts";

export interface Saved {
  search: string;
}

export const saved = () => recollectAll<Saved>("search:").map(([key, one]) => ({ key, search: one.search }));

export function SearchScope() {
  const { mailbox, search, inHere } = place.value;
  if (!search) return null;
  const zh = language.value === "zh";
  const box = mailboxes.value.find((one) => one.id === mailbox);
  const named = terms.value.some((one) => one.operator === "in" && !one.not);
  const kept = saved().some((one) => one.search === search);
  const without = (text: string) => search.replace(text, "").replace(/\s+/g, " ").trim();
  return (
    <div class="scope">
      {!named && box && (
        <div role="radiogroup" aria-label={read("find.scope")}>
          <button role="radio" aria-checked={!inHere} class="plain" onClick={() => visit(mailbox, search, false)}>
            {read("find.everywhere")}
          </button>
          {client.value!.shares && (
            <button role="radio" aria-checked={false} class="plain" onClick={() => (unchoose(), (everywhere.value = true))}>
              {read("find.accounts")}
            </button>
          )}
          <button role="radio" aria-checked={Boolean(inHere)} class="plain" onClick={() => visit(mailbox, search, true)}>
            {read("find.here", { name: nameOf(box) })}
          </button>
        </div>
      )}
      {terms.value.filter((one) => one.operator).map((one) => (
        <button key={one.text} class="chip" title={say("act.delete")} onClick={() => visit(mailbox, without(one.text), inHere)}>
          {one.not && "−"}
          {nameIn(zh, one.operator)}: <b>{nameIn(zh, one.operator, one.value)}</b> <Icon name="close" />
        </button>
      ))}
      <button
        class="plain" disabled={kept} title={read(kept ? "find.saved" : "find.save")}
        onClick={() => void guarded(() => remember(client.value!, `search:${encodeURIComponent(search).slice(0, 200)}`, { search }))}
      >
        <Icon name="bookmark" />
      </button>
      {understood.value.faults.map((one) => (
        <p key={one.text} class="fault">
          {read("find.fault", { text: one.text })}
        </p>
      ))}
    </div>
  );
}
