/** Who administrates, what is asked of the person right now, and what was said last. */

import { signal } from "@preact/signals";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Authorize, forget, leave } from "../auth";
import { path } from "../route";
import { type Me, Refusal, begin, get } from "./api";
import { language, say } from "./text";

export const ready = signal(false);
export const me = signal<Me | null>(null);
/** Why there is nothing to see. */
export const refused = signal<Refusal | null>(null);
export const notice = signal("");

export interface Question {
  title: string;
  text: string;
  action: string;
  done: (sure: boolean) => void;
}
export const question = signal<Question | null>(null);
export const proving = signal<((proof: string | null) => void) | null>(null);

export async function come(authorize: Authorize): Promise<void> {
  begin(authorize, () => new Promise((done) => (proving.value = done)));
  await again();
}

export async function again(): Promise<void> {
  refused.value = null;
  try {
    me.value = await get<Me>("/me");
  } catch (error) {
    if (error instanceof Refusal) refused.value = error;
    else throw error;
  }
}

export function signIn(): void {
  void leave(language.value);
}

export function signOut(): void {
  forget(true);
  me.value = null;
  refused.value = null;
}

/** Tells what will happen, and asks. */
export function sure(title: string, text: string, action: string): Promise<boolean> {
  return new Promise((done) => (question.value = { title, text, action, done }));
}

export function explain(error: unknown): string {
  if (!(error instanceof Refusal)) return say("error.signin");
  if (error.name === "cancelled") return "";
  if (error.name === "network") return say("error.network");
  return error.reason ? `${error.title}：${error.reason}` : `${error.title}。${error.detail}`;
}

let clearing = 0;
export function tell(text: string): void {
  notice.value = text;
  clearTimeout(clearing);
  clearing = setTimeout(() => (notice.value = ""), 6000);
}

/** Runs a change; what went wrong is told. */
export async function act(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    const text = explain(error);
    if (text) tell(text);
    return false;
  }
}

export interface Loaded<T> {
  data: T | null;
  fault: string;
  reload: () => Promise<void>;
}

export function useLoad<T>(load: () => Promise<T>, on: readonly unknown[]): Loaded<T> {
  const [data, setData] = useState<T | null>(null);
  const [fault, setFault] = useState("");
  const turn = useRef(0);
  const reload = useCallback(async () => {
    const mine = ++turn.current;
    try {
      const found = await load();
      if (mine === turn.current) (setData(() => found), setFault(""));
    } catch (error) {
      if (mine === turn.current) setFault(explain(error));
    }
  }, on as unknown[]);
  useEffect(() => void reload(), [reload, language.value]);
  return { data, fault, reload };
}

/** What stands behind /admin/: ["domains", "qq.test"]. */
export function place(): string[] {
  return path.value.replace(/^\/admin\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}
