/** The JMAP side (RFC 8620, RFC 8621): one connection to one account.  Knows nothing of what is shown. */

import type { Authorize } from "./auth";
import { share } from "./hearing";
import type { Heard } from "./hearing";
import { claim, note, offline, recall, staying } from "./offline";

export type Id = string;

export interface Address {
  name: string | null;
  email: string;
}

export interface Mailbox {
  id: Id;
  name: string;
  parentId: Id | null;
  role: string | null;
  sortOrder: number;
  totalEmails: number;
  unreadEmails: number;
  totalThreads: number;
  unreadThreads: number;
  isSubscribed: boolean;
  myRights: Record<string, boolean>;
}

export interface BodyPart {
  partId: string | null;
  blobId: Id | null;
  size: number;
  name: string | null;
  type: string;
  charset: string | null;
  disposition: string | null;
  cid: string | null;
}

export interface Email {
  id: Id;
  threadId: Id;
  mailboxIds: Record<Id, boolean>;
  keywords: Record<string, boolean>;
  from: Address[] | null;
  to: Address[] | null;
  cc: Address[] | null;
  bcc?: Address[] | null;
  replyTo?: Address[] | null;
  subject: string | null;
  receivedAt: string;
  preview: string;
  hasAttachment: boolean;
  size: number;
  messageId?: string[] | null;
  references?: string[] | null;
  textBody?: BodyPart[];
  htmlBody?: BodyPart[];
  attachments?: BodyPart[];
  bodyValues?: Record<string, { value: string; isEncodingProblem: boolean; isTruncated: boolean }>;
}

export interface Identity {
  id: Id;
  name: string;
  email: string;
  replyTo?: Address[] | null;
  bcc?: Address[] | null;
  textSignature?: string;
  htmlSignature?: string;
  mayDelete?: boolean;
}

interface Session {
  accounts: Record<Id, { name: string; isReadOnly: boolean; accountCapabilities?: Record<string, Record<string, unknown>> }>;
  primaryAccounts: Record<string, Id>;
  capabilities: Record<string, Record<string, unknown>>;
  username: string;
  apiUrl: string;
  downloadUrl: string;
  uploadUrl: string;
  eventSourceUrl: string;
}

export type Call = [name: string, args: Record<string, unknown>, id: string];
type Answer = [name: string, args: Record<string, unknown>, id: string];

const MAIL = "urn:ietf:params:jmap:mail";
const SUBMISSION = "urn:ietf:params:jmap:submission";
const TEAM = "urn:posthouse:params:jmap:team";
export const CONTACTS = "urn:ietf:params:jmap:contacts";

/** Calls in one request: servers take so many at least (RFC 8620 §2). */
const AT_ONCE = 16;

const PERSONAL = new Set(["WebmailItem", "Settings", "Identity", "Picture", "PushSubscription"]);

function homeOf(session: Session): Id {
  return session.primaryAccounts[MAIL] ?? Object.keys(session.accounts)[0] ?? "";
}

/** `kind`: "signin" (the credentials do not hold), "network", "limit", "server", or the type of a method's error. */
export class JmapError extends Error {
  constructor(
    readonly kind: string,
    detail = "",
  ) {
    super(detail || kind);
  }
}

type Refused = Record<Id, { type: string; description?: string | null }> | null | undefined;

/** Raises what a server says of the first thing of a `/set` or `/copy` that it did not do (RFC 8620 §5.3), if there is one. */
export function refuse({ notCreated, notUpdated, notDestroyed }: { notCreated?: Refused; notUpdated?: Refused; notDestroyed?: Refused }): void {
  const [fault] = [notCreated, notUpdated, notDestroyed].flatMap((all) => Object.values(all ?? {}));
  if (fault) throw new JmapError(fault.type, fault.description ?? "");
}

export class Jmap {
  private constructor(
    readonly authorize: Authorize,
    readonly session: Session,
    /** The account that is looked at: one's own, or one that others share. */
    readonly account: Id,
  ) {}

  static async open(authorize: Authorize): Promise<Jmap> {
    const ask = async () => {
      const response = await send("/jmap/session", { headers: { authorization: await authorize() } });
      const session = (await response.json()) as Session;
      claim(session.username);
      return session;
    };
    const session = await orBefore("session", ask);
    return new Jmap(authorize, session, homeOf(session));
  }

  /** The same sign-in, looking at another account. */
  at(account: Id): Jmap {
    return new Jmap(this.authorize, this.session, account);
  }

  /** Others share it for reading alone. */
  get readOnly(): boolean {
    return Boolean(this.session.accounts[this.account]?.isReadOnly);
  }

  get home(): Id {
    return homeOf(this.session);
  }

  /** The person among the principals (RFC 9670 §1.5.1). */
  get self(): Id | null {
    const mine = this.session.accounts[this.home]?.accountCapabilities?.["urn:ietf:params:jmap:principals"];
    return (mine?.["currentUserPrincipalId"] as Id | undefined) ?? null;
  }

  /** Whether letters can be sent here. */
  get sends(): boolean {
    return this.has(SUBMISSION);
  }

  has(capability: string, account = this.account): boolean {
    return capability in (this.session.accounts[account]?.accountCapabilities ?? {});
  }

  /** Whether this is the account of a team that the person is a member of; and whether there is any. */
  get team(): boolean {
    return this.account !== this.home && this.has(TEAM);
  }

  get teams(): boolean {
    return this.having(TEAM).some(([id]) => id !== this.home);
  }

  /** Accounts that have this, one's own first: those of others may be no more than an address book. */
  having(capability: string): [Id, Session["accounts"][Id]][] {
    return Object.entries(this.session.accounts).filter(([id]) => this.has(capability, id));
  }

  /** Those with mail to look at. */
  get withMail(): [Id, Session["accounts"][Id]][] {
    return this.having(MAIL);
  }

  /** Whether others share their mail with the person. */
  get shares(): boolean {
    return this.withMail.length > 1;
  }

  can(capability: string): boolean {
    return capability in this.session.capabilities;
  }

  /** The address whose account is looked at. */
  get name(): string {
    return this.session.accounts[this.account]?.name ?? "";
  }

  get address(): string {
    return this.session.username;
  }

  /** What is each person's own stays that of the person, whoever's mail is looked at. */
  private accountFor(method: string): Id {
    return PERSONAL.has(method.split("/")[0]!) ? this.home : this.account;
  }

  /** Run the calls in one request; the arguments of the answers, by call id.  An error of any of them is thrown. */
  async call(calls: Call[], signal?: AbortSignal): Promise<Record<string, any>> {
    return this.answers(calls, false, signal);
  }

  /**
   * As `call`, in as many requests as it takes; those of a group, as a query and what it found, stay together.  What fails is missing in
   * the answers: an account may have been shared until a moment ago.
   */
  async callEach(groups: Call[][], signal?: AbortSignal): Promise<Record<string, any>> {
    const requests: Call[][] = [];
    for (const group of groups) {
      const last = requests.at(-1);
      if (last && last.length + group.length <= AT_ONCE) last.push(...group);
      else requests.push([...group]);
    }
    const found: Record<string, any> = {};
    for (const calls of requests) Object.assign(found, await this.answers(calls, true, signal));
    return found;
  }

  private async answers(calls: Call[], missing: boolean, signal?: AbortSignal): Promise<Record<string, any>> {
    const using = Object.keys(this.session.capabilities);
    const methodCalls = calls.map(([name, args, id]) => [name, { accountId: this.accountFor(name), ...args }, id]);
    const ask = async () => {
      const response = await this.fetch(this.session.apiUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ using, methodCalls }),
        ...(signal ? { signal } : {}),
      });
      return ((await response.json()) as { methodResponses: Answer[] }).methodResponses;
    };
    const reads = calls.every(([name]) => READS.test(name));
    const methodResponses = await (reads ? orBefore(JSON.stringify(methodCalls), ask) : ask());
    const found: Record<string, any> = {};
    for (const [name, args, id] of methodResponses) {
      if (name === "error" && missing) continue;
      if (name === "error") throw new JmapError(String(args["type"]), String(args["description"] ?? ""));
      // An implicit call (onSuccessUpdateEmail) answers under the id of its cause.
      if (!(id in found)) found[id] = args;
    }
    return found;
  }

  async upload(data: Blob): Promise<{ blobId: Id; type: string; size: number }> {
    const url = this.session.uploadUrl.replace("{accountId}", encodeURIComponent(this.account));
    const type = data.type || "application/octet-stream";
    const response = await this.fetch(url, { method: "POST", headers: { "content-type": type }, body: data });
    return (await response.json()) as { blobId: Id; type: string; size: number };
  }

  /** As `upload`, telling how much of it is done (0 to 1). */
  async uploadSlowly(data: Blob, told: (part: number) => void, signal: AbortSignal): Promise<{ blobId: Id; type: string; size: number }> {
    const url = this.session.uploadUrl.replace("{accountId}", encodeURIComponent(this.account));
    const request = new XMLHttpRequest(); // fetch tells nothing of what was sent
    request.open("POST", url);
    request.setRequestHeader("content-type", data.type || "application/octet-stream");
    request.setRequestHeader("authorization", await this.authorize());
    request.upload.onprogress = (event) => told(event.loaded / Math.max(event.total, 1));
    signal.addEventListener("abort", () => request.abort());
    await new Promise<void>((resolve, reject) => {
      request.onload = () => resolve();
      request.onabort = () => reject(new JmapError("aborted"));
      request.onerror = () => reject(new JmapError("network"));
      request.send(data);
    });
    check(request.status);
    return JSON.parse(request.responseText) as { blobId: Id; type: string; size: number };
  }

  async download(blobId: Id, type: string, name: string): Promise<Blob> {
    const values: Record<string, string> = { accountId: this.account, blobId, type, name };
    const url = this.session.downloadUrl.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ""));
    return (await this.fetch(url, {})).blob();
  }

  /**
   * Calls back for every change of state after `position`, until the signal aborts; connects again by itself, and is then told what
   * happened meanwhile (RFC 8620 §7.3).  `presence`: nothing that is kept.
   */
  async listen(changed: (presence?: boolean) => void, position: { id: string }, signal: AbortSignal): Promise<void> {
    const hear = (heard: Heard) => {
      position.id = heard.id || position.id;
      changed(heard.presence);
    };
    await share(`posthouse.events ${this.home}`, (tell) => this.stream(tell, position, signal), hear, signal);
  }

  private async stream(tell: (heard: Heard) => void, position: Readonly<{ id: string }>, signal: AbortSignal): Promise<void> {
    const url = this.session.eventSourceUrl
      .replace("{types}", "*")
      .replace("{closeafter}", "no")
      .replace("{ping}", "60");
    let wait = 1000;
    while (!signal.aborted) {
      try {
        const headers = { accept: "text/event-stream", ...(position.id && { "last-event-id": position.id }) };
        const response = await this.fetch(url, { headers, signal });
        const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          wait = 1000;
          text += value;
          const events = text.split(/\r?\n\r?\n/);
          text = events.pop() ?? "";
          const told = events.filter((event) => /^event: ?state/m.test(event));
          const id = told.map((event) => /^id: ?(.+)/m.exec(event)?.[1]).findLast(Boolean) ?? "";
          if (told.length > 0) tell({ id, presence: told.every((event) => /:\{"Presence":"\d+"\}\}/.test(event)) });
        }
      } catch (error) {
        if (error instanceof JmapError && error.kind === "signin") return;
      }
      await pause(wait, signal);
      wait = Math.min(wait * 2, 60_000);
      if (!signal.aborted) tell({ id: "", presence: true }); // presences are not kept, so that nobody tells of them later
    }
  }

  private async fetch(url: string, init: RequestInit): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), authorization: await this.authorize() };
    return send(url, { ...init, headers });
  }
}

/** What is only read; the state of what is being sent is of no use later. */
const READS = /^(?!EmailSubmission|ContactCard|Presence)\w+\/(get|query|parse)$/;

/** As the server answers, or, without a connection, as it answered last time. */
async function orBefore<T>(key: string, ask: () => Promise<T>): Promise<T> {
  const stay = staying();
  try {
    const found = await ask();
    note(key, found, stay);
    return found;
  } catch (error) {
    if (!(error instanceof JmapError && error.kind === "network")) throw error;
    const before = await recall<T>(key);
    if (before === undefined) throw error;
    return before;
  }
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    // Never cookies or a browser's own password prompt: the header is all that counts.
    response = await fetch(url, { ...init, credentials: "omit", cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    offline.value = true;
    throw new JmapError("network");
  }
  offline.value = false;
  check(response.status);
  return response;
}

function check(status: number): void {
  if (status === 401 || status === 403) throw new JmapError("signin");
  if (status === 429) throw new JmapError("limit");
  if (status < 200 || status > 299) throw new JmapError("server", `${status}`);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
