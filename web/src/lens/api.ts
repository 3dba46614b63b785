/** The operations of `/api/v1/self/lens` (docs/api.md). */

import type { Authorize } from "../auth";

export interface Access {
  enabled: boolean;
  sees: "all" | "own" | "none";
  practice: string[];
}

export interface Dialogue {
  id: string;
  host: string;
  protocol: string;
  service: string;
  peer: string;
  account: string;
  tls: string;
  began: number;
  ended: number;
  lines: number;
  errors: number;
}

export interface Line {
  number: number;
  at: number;
  side: "client" | "server" | "note";
  text: string;
  block: string;
  error: boolean;
  meaning: string;
  source: string;
  advice: string;
}

export interface Stage {
  name: "compose" | "submit" | "relay" | "store" | "fetch";
  state: "waiting" | "done" | "failed" | "skipped";
  at: number;
  dialogues: Dialogue[];
  story: { at: number; step: string; text: string }[];
  error: string;
}

export class Refusal extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

export class Api {
  constructor(
    private readonly authorize: Authorize,
    private readonly language: () => string,
  ) {}

  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {
      authorization: await this.authorize(),
      "accept-language": this.language(),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const response = await fetch(`/api/v1/self/lens${path}`, {
      method,
      headers,
      credentials: "omit",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => null);
    if (response === null) throw new Refusal(0, "");
    const answer = (await response.json().catch(() => ({}))) as T & { detail?: string; title?: string };
    if (!response.ok) throw new Refusal(response.status, answer.detail ?? answer.title ?? String(response.status));
    return answer;
  }

  get<T>(path: string): Promise<T> {
    return this.ask("GET", path);
  }
}
