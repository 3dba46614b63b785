/** Whose mail is looked at: one's own, or that of teams and people who share theirs. */

import { client, lookAt } from "../store";
import { read } from "./texts";

export function Accounts() {
  const jmap = client.value;
  const all = Object.entries(jmap?.session.accounts ?? {});
  if (jmap === null || all.length < 2) return null;
  return (
    <select class="accounts" aria-label={read("nav.accounts")} value={jmap.account} onChange={(event) => void lookAt(event.currentTarget.value)}>
      {all.map(([id, one]) => (
        <option key={id} value={id}>
          {one.name}
          {one.isReadOnly ? ` ${read("nav.readonly")}` : ""}
        </option>
      ))}
    </select>
  );
}
