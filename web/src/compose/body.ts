/** A draft as an Email object of JMAP: its parts, and the header fields that say what is wished. */

import type { Address, Id } from "../jmap";
import { makeSafe } from "../safe";
import { client, identities } from "../store";
import { folder } from "./home";
import type { Draft, File, Person } from "./letter";
import { toText } from "./plain";
import { quoteHtml, quoteText } from "./quote";

const clear = (list: Person[]): Address[] => list.filter((one) => !one.bad).map(({ name, email }) => ({ name, email }));

export function identityOf(draft: Draft) {
  return identities.value.find((one) => one.id === draft.identity) ?? identities.value[0];
}

export function sender(draft: Draft): Address {
  const identity = identityOf(draft);
  return identity ? { name: identity.name || null, email: identity.email } : { name: null, email: client.value?.address ?? "" };
}

/** Written by the owner of the account for another address. */
export function isForOther(draft: Draft): boolean {
  return draft.behalf && sender(draft).email.toLowerCase() !== client.value?.address.toLowerCase();
}

/** All of it, with what stands below. */
export function wholeHtml(draft: Draft): string {
  return draft.html + (draft.quote ? quoteHtml(draft.quote) : "");
}

export function wholeText(draft: Draft): string {
  return draft.text + (draft.quote ? quoteText(draft.quote) : "");
}

/** The same words without formats, for those who read no HTML. */
export function plainOf(html: string): string {
  // Styles mean nothing here, and the policy of this page would complain about each.
  return toText(makeSafe(html.replace(/ style="[^"]*"/g, ""), window, ["signature"]).fragment);
}

const attached = ({ blobId, name, type }: File) => ({ blobId, name, type, disposition: "attachment" });
const inside = ({ blobId, name, type, key }: File) => ({ blobId, name, type, disposition: "inline", cid: key });

/** RFC 2046 §5.1.4: the plainest comes first; RFC 2387: what the page shows goes with it. */
function structure(draft: Draft): { bodyStructure: object; bodyValues: object } {
  const there = draft.files.filter((one) => one.blobId !== null);
  const files = there.filter((one) => !one.inline);
  const html = draft.rich ? wholeHtml(draft) : "";
  const text = draft.rich ? plainOf(html) : wholeText(draft);
  const plain = { partId: "t", type: "text/plain" };
  let body: object = plain;
  const values: Record<string, { value: string }> = { t: { value: text } };
  if (draft.rich) {
    const pictures = there.filter((one) => one.inline && html.includes(`cid:${encodeURIComponent(one.key)}`));
    const page = { partId: "h", type: "text/html" };
    values["h"] = { value: `<!doctype html><html><head><meta charset="utf-8"></head><body>${html}</body></html>` };
    const shown = pictures.length > 0 ? { type: "multipart/related", subParts: [page, ...pictures.map(inside)] } : page;
    body = { type: "multipart/alternative", subParts: [plain, shown] };
  }
  const bodyStructure = files.length > 0 ? { type: "multipart/mixed", subParts: [body, ...files.map(attached)] } : body;
  return { bodyStructure, bodyValues: values };
}

/** `sentAt`: its date, where it will be sent later. */
export function emailOf(draft: Draft, sentAt: string | null = null, box: Id = folder("drafts")!, keywords: object = { $draft: true, $seen: true }): object {
  const from = sender(draft);
  const identity = identityOf(draft);
  const replyTo = identity?.replyTo ?? [];
  const own = client.value?.address ?? from.email;
  return {
    mailboxIds: { [box]: true },
    keywords,
    from: [from],
    // RFC 5322 §3.6.2: who writes for somebody else says so.
    ...(isForOther(draft) ? { sender: [{ name: null, email: own }] } : {}),
    ...(draft.priority === "high" ? { "header:X-Priority": " 1", "header:Importance": " high" } : {}),
    ...(draft.priority === "low" ? { "header:X-Priority": " 5", "header:Importance": " low" } : {}),
    // RFC 8098 §2.1: the receipt goes to who asks for it.
    ...(draft.receipt ? { "header:Disposition-Notification-To:asAddresses": [{ name: null, email: from.email || own }] } : {}),
    ...(replyTo.length > 0 ? { replyTo } : {}),
    to: clear(draft.to),
    cc: clear(draft.cc),
    bcc: clear(draft.bcc),
    subject: draft.subject,
    messageId: [draft.messageId],
    ...(draft.inReplyTo.length > 0 ? { inReplyTo: draft.inReplyTo } : {}),
    ...(draft.references.length > 0 ? { references: draft.references.slice(-20) } : {}),
    ...(sentAt ? { sentAt } : {}),
    ...structure(draft),
  };
}
