/** The operations of `/api/v1` (docs/api.md), and being asked for the password again where one is needed. */

import type { Authorize } from "../auth";
import { language } from "./text";

export class Refusal extends Error {
  constructor(
    /** Name of the problem: the end of its type; "network" when the server cannot be reached. */
    readonly name: string,
    readonly title: string,
    readonly detail: string,
    readonly reason: string,
    readonly methods: string[],
  ) {
    super(detail);
  }
}

export interface Listing<T> {
  items: T[];
  next: string;
}

let authorize: Authorize;
let proof = "";
/** Asks the person to sign in again; the proof, or null when that was called off. */
let confirm: () => Promise<string | null>;

export function begin(by: Authorize, again: () => Promise<string | null>): void {
  authorize = by;
  confirm = again;
}

export async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!(error instanceof Refusal) || error.name !== "reauthenticate") throw error;
    const found = await confirm();
    if (found === null) throw new Refusal("cancelled", "", "", "", []);
    proof = found;
    return send<T>(method, path, body);
  }
}

export async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { authorization: await authorize(), "accept-language": language.value };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (proof) headers["posthouse-proof"] = proof;
  const options: RequestInit = { method, headers, credentials: "omit", cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  const response = await fetch(`/api/v1${path}`, options).catch(() => null);
  if (response === null) throw new Refusal("network", "", "", "", []);
  if (response.status === 204) return undefined as T;
  const found = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return found as T;
  const name = String(found["type"] ?? "").split("/").pop() ?? "";
  throw new Refusal(name, text(found["title"]), text(found["detail"]), text(found["reason"]), (found["methods"] as string[]) ?? []);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export const get = <T>(path: string): Promise<T> => ask<T>("GET", path);

export function at(path: string, values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== "") query.set(name, String(value));
  const found = query.toString();
  return found ? `${path}?${found}` : path;
}

export const part = encodeURIComponent;

// --- what is answered ---

export interface Me {
  address: string;
  name: string;
  server: boolean;
  domains: string[];
  may_change: boolean;
  two_step: boolean;
}
export interface Domain {
  name: string;
  enabled: boolean;
  catch_all: string;
  two_step: string;
  protocols_off: string[];
  oauth_only: boolean;
  dmarc: string;
  redirects: string;
  accounts: number;
  aliases: number;
}
export interface DnsRecord {
  name: string;
  type: string;
  value: string;
  purpose: string;
}
export interface DnsChecked {
  subject: string;
  title: string;
  level: "ok" | "unknown" | "warning" | "problem";
  records: DnsRecord[];
  found: string[];
  findings: { level: string; text: string }[];
}
export interface Account {
  address: string;
  name: string;
  language: string;
  enabled: boolean;
  team: boolean;
  protocols: string[];
  app_only: string[];
  two_step: boolean;
  has_password: boolean;
  quota_bytes: number;
  quota_messages: number;
  used_bytes: number;
  used_messages: number;
  server_administrator: boolean;
  administrates: string[];
}
export interface AccountDetails extends Account {
  app_passwords: number;
  passkeys: number;
  tokens: number;
  grants: number;
  devices_waiting: number;
  last_sign_in: string | null;
}
export interface Queued {
  id: number;
  trace: string;
  sender: string;
  size: number;
  arrived_at: string;
  expires_at: string;
  recipients: { address: string; state: string; attempts: number; next_attempt: string | null; route: string; status: string; remote: string; why: string }[];
}
export interface Health {
  version: string;
  hostname: string;
  started_at: string;
  workers: number;
  connections: Record<string, number>;
  disk_free_bytes: number;
  disk_total_bytes: number;
  checks: { level: string; subject: string; text: string; advice: string }[];
}
export interface Certificate {
  names: string[];
  issuer: string;
  source: string;
  not_after: string;
  days_left: number;
  renewal: string;
}
export interface FlowPoint {
  at: string;
  received: number;
  submitted: number;
  refused: number;
  delivered: number;
  deferred: number;
  failed: number;
}
