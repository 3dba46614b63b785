/** Submissions: what the server does with a letter that was sent, and taking it back while it waits. */

import type { Email, Id } from "../jmap";
import { refuse } from "../jmap";
import { folder, post } from "./home";
import { identityOf, isForOther, sender } from "./body";
import type { Draft } from "./letter";
import { file, unfile } from "./shared_sent";
import { say } from "./text_send";
import { utc } from "./times";

export interface Submission {
  id: Id;
  emailId: Id;
  sendAt: string;
  undoStatus: "pending" | "final" | "canceled";
}

/** Of the server: how long a letter may wait, in seconds. */
export function mostDelay(): number {
  const { session, account } = post();
  const mine = session.accounts[account]?.accountCapabilities?.["urn:ietf:params:jmap:submission"] ?? {};
  return Number(mine["maxDelayedSend"] ?? 0);
}

const drafts = () => folder("drafts")!;

/** When it is handed over: out of the drafts, into what was sent. */
function movedOut(): Record<string, unknown> {
  const sent = folder("sent");
  const change: Record<string, unknown> = { "keywords/$draft": null, [`mailboxIds/${drafts()}`]: null };
  if (sent) change[`mailboxIds/${sent}`] = true;
  return change;
}

function movedBack(): Record<string, unknown> {
  const sent = folder("sent");
  const change: Record<string, unknown> = { "keywords/$draft": true, [`mailboxIds/${drafts()}`]: true };
  if (sent) change[`mailboxIds/${sent}`] = null;
  return change;
}

/** RFC 8621 §7.5 with RFC 4865: `wait` as a moment, or seconds. */
export async function submit(draft: Draft, email: Id, wait: Date | number): Promise<Id> {
  const seconds = typeof wait === "number" ? wait : 0;
  const parameters = wait instanceof Date ? { HOLDUNTIL: utc(wait) } : seconds > 0 ? { HOLDFOR: String(seconds) } : null;
  const people = [...draft.to, ...draft.cc, ...draft.bcc];
  const named = new Map(people.map((one) => [one.email.toLowerCase(), { email: one.email, parameters: null }]));
  const envelope = { mailFrom: { email: isForOther(draft) ? post().address : sender(draft).email, parameters }, rcptTo: [...named.values()] };
  const found = await post().call([
    [
      "EmailSubmission/set",
      { create: { s: { emailId: email, identityId: identityOf(draft)?.id, envelope } }, onSuccessUpdateEmail: { "#s": movedOut() } },
      "s",
    ],
  ]);
  const fault = found["s"].notCreated?.s as Fault | undefined;
  if (fault) throw new SendFault(fault);
  await file(sender(draft).email, email);
  return found["s"].created.s.id as Id;
}

/** Take it back; the letter is a draft again.  False: it is too late. */
export async function cancel(submission: Id): Promise<boolean> {
  const found = await post().call([
    ["EmailSubmission/get", { ids: [submission], properties: ["emailId"] }, "g"],
    ["Email/get", { "#ids": { resultOf: "g", name: "EmailSubmission/get", path: "/list/*/emailId" }, properties: ["from", "messageId"] }, "e"],
    [
      "EmailSubmission/set",
      { update: { [submission]: { undoStatus: "canceled" } }, onSuccessUpdateEmail: { [submission]: movedBack() } },
      "s",
    ],
  ]);
  const fault = found["s"].notUpdated?.[submission] as Fault | undefined;
  if (fault?.type === "cannotUnsend") return false;
  refuse(found["s"]);
  const email = found["e"].list[0] as Email | undefined;
  await unfile(email?.from?.[0]?.email ?? "", email?.messageId?.[0] ?? "");
  return true;
}

/** Whether this email was handed over before, whatever became of the answer. */
export async function wasSent(email: Id): Promise<boolean> {
  const found = await post().call([
    ["EmailSubmission/query", { filter: { emailIds: [email] } }, "q"],
    ["EmailSubmission/get", { "#ids": { resultOf: "q", name: "EmailSubmission/query", path: "/ids" }, properties: ["undoStatus"] }, "g"],
  ]);
  return (found["g"].list as Submission[]).some((one) => one.undoStatus !== "canceled");
}

/** What waits for its time. */
export async function pending(): Promise<Submission[]> {
  const filter = { operator: "AND", conditions: [{ after: utc(new Date()) }, { undoStatus: "pending" }] };
  const found = await post().call([
    ["EmailSubmission/query", { filter, sort: [{ property: "sentAt", isAscending: true }] }, "q"],
    [
      "EmailSubmission/get",
      { "#ids": { resultOf: "q", name: "EmailSubmission/query", path: "/ids" }, properties: ["id", "emailId", "sendAt", "undoStatus"] },
      "g",
    ],
  ]);
  return (found["g"].list as Submission[]).sort((one, other) => one.sendAt.localeCompare(other.sendAt));
}

// --- what went wrong, and what to do ---

interface Fault {
  type: string;
  description?: string;
  invalidRecipients?: string[];
  maxRecipients?: number;
  maxSize?: number;
  properties?: string[];
}

export class SendFault extends Error {
  constructor(fault: Fault) {
    super(words(fault));
  }
}

function words(fault: Fault): string {
  switch (fault.type) {
    case "invalidRecipients": return say("fault.recipients", { addresses: (fault.invalidRecipients ?? []).join(", ") });
    case "tooManyRecipients": return say("fault.many", { count: fault.maxRecipients ?? "" });
    case "noRecipients": return say("nobody");
    case "forbiddenFrom": case "forbiddenMailFrom": return say("fault.from");
    case "forbiddenToSend": case "forbidden": return say("fault.forbidden");
    case "tooLarge": return say("fault.large", { size: Math.floor((fault.maxSize ?? 0) / 1_048_576) });
    case "overQuota": return say("fault.quota");
    case "rateLimit": return say("fault.rate");
    case "invalidProperties":
      if (fault.properties?.some((one) => one.startsWith("envelope/mailFrom"))) return say("fault.time");
  }
  return say("fault.other", { detail: fault.description ?? fault.type });
}
