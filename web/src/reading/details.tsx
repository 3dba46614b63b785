/** Whom a letter is from and to, when it came, what it is known by.  Loaded when first asked for. */

import { formatAddresses } from "../draft";
import type { Email } from "../jmap";
import { formatMoment, say, sayer } from "../text";

const TEXTS = {
  "from": ["发件人", "From"],
  "cc": ["抄送", "Cc"],
  "bcc": ["密送", "Bcc"],
  "date": ["时间", "Date"],
} as const satisfies Record<string, readonly [string, string]>;

const read = sayer(TEXTS);

export function Details({ email }: { email: Email }) {
  const lines: [string, string][] = [
    [read("from"), formatAddresses(email.from)],
    [say("read.to"), formatAddresses(email.to)],
    [read("cc"), formatAddresses(email.cc)],
    [read("bcc"), formatAddresses(email.bcc)],
    [read("date"), formatMoment(email.receivedAt)],
    ["Message-ID", (email.messageId ?? []).join(" ")],
  ];
  return (
    <dl class="details">
      {lines
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
