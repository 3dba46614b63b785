/** Whose mail is looked at: one's own, or that of teams and people who share theirs. */

import { client, lookAt } from "../store";
import { folders } from "../views/app";
import { later } from "../views/lazy";
import { read } from "./texts";

const Everyone = later(() => import("../everywhere").then((one) => one.Entry));

export function Accounts() {
  const jmap = client.value;
  const all = jmap?.withMail ?? [];
  if (jmap === null || all.length < 2) return null;
  return (
    <>
      <Everyone close={() => (folders.value = false)} />
      <select class="accounts" aria-label={read("nav.accounts")} value={jmap.account} onChange={(event) => void lookAt(event.currentTarget.value)}>
        {all.map(([id, one]) => (
          <option key={id} value={id}>
            {one.name}
            {one.isReadOnly ? ` ${read("nav.readonly")}` : ""}
          </option>
        ))}
      </select>
    </>
  );
}
