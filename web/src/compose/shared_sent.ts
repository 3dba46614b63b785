/** What was sent as a team, or for somebody who shares the account, stands among what that account sent as well. */

import type { Id, Jmap } from "../jmap";
import { tell } from "../store";
import { post } from "./home";
import { say } from "./text_send";

/** The account of somebody else with this address that letters may be sent for. */
function accountOf(email: string): Jmap | null {
  const { session, home } = post();
  const found = Object.entries(session.accounts).find(([id, one]) => id !== home && one.name.toLowerCase() === email.toLowerCase());
  const there = found ? post().at(found[0]) : null;
  return there?.sends ? there : null;
}

async function sentOf(there: Jmap): Promise<Id | undefined> {
  const found = await there.call([["Mailbox/query", { filter: { role: "sent" } }, "q"]]);
  return (found["q"].ids as Id[])[0];
}

export async function file(sender: string, email: Id): Promise<void> {
  const there = accountOf(sender);
  if (there === null) return;
  try {
    const box = await sentOf(there);
    if (!box) return;
    const copy = { id: email, mailboxIds: { [box]: true }, keywords: { $seen: true } };
    const found = await there.call([["Email/copy", { fromAccountId: there.home, create: { c: copy } }, "c"]]);
    if (!found["c"].created?.c) throw new Error();
  } catch {
    tell(say("unfiled", { address: sender })); // it was sent all the same
  }
}

/** It was taken back before it was sent. */
export async function unfile(sender: string, messageId: string): Promise<void> {
  const there = accountOf(sender);
  const box = there && (await sentOf(there).catch(() => undefined));
  if (!there || !box) return;
  const found = await there.call([["Email/query", { filter: { inMailbox: box, header: ["Message-ID", messageId] } }, "q"]]);
  if (found["q"].ids.length > 0) await there.call([["Email/set", { destroy: found["q"].ids }, "s"]]);
}
