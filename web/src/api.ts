/** The HTTP API of the node (`/api/v1`): one request, with the token of this window, and refusals in words. */

import { signal } from "@preact/signals";
import { JmapError } from "./jmap";
import { jmap } from "./store";
import { language } from "./text";

interface ProblemDocument {
  type?: string;
  title?: string;
  detail?: string;
  reason?: string;
  methods?: string[];
}

/** A refusal (RFC 9457); `name` is the part of its type that stays. */
export class Problem extends JmapError {
  readonly name: string;

  constructor(
    readonly status: number,
    readonly document: ProblemDocument,
  ) {
    super("problem", [document.title, document.reason ?? document.detail].filter(Boolean).join(language.value === "zh" ? "：" : ". "));
    this.name = document.type?.split("/").pop() ?? "";
  }
}

let proof = "";

/** Somebody has to show that it is them before what was wanted is done. */
export const proving = signal<{ done: (shown: boolean) => void } | null>(null);

export function proved(text: string): void {
  proof = text;
}

/** Who would not show that it is them wants nothing. */
export class NotShown extends JmapError {
  constructor() {
    super("not-shown");
  }
}

export async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  try {
    return await send<T>(method, path, body);
  } catch (error) {
    if (!(error instanceof Problem) || error.name !== "reauthenticate") throw error;
  }
  if (!(await new Promise<boolean>((done) => (proving.value = { done })))) throw new NotShown();
  return send<T>(method, path, body);
}

async function send<T>(method: string, path: string, body: unknown): Promise<T> {
  const headers: Record<string, string> = {
    authorization: await jmap().authorize(),
    "accept-language": language.value,
    ...(proof && { "posthouse-proof": proof }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const init = { method, headers, credentials: "omit", cache: "no-store", ...(body === undefined ? {} : { body: JSON.stringify(body) }) } as const;
  const response = await fetch(`/api/v1${path}`, init).catch(() => null);
  if (response === null) throw new JmapError("network");
  if (response.status === 204) return undefined as T;
  const found = (await response.json().catch(() => ({}))) as T & ProblemDocument;
  if (response.ok) return found;
  const problem = new Problem(response.status, found);
  if (problem.name === "invalid-token") throw new JmapError("signin");
  throw problem;
}

export interface Listing<T> {
  items: T[];
  next: string;
}
