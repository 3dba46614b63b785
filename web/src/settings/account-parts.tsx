/** What the pages of the account share: fetching a part of it, and doing something about it. */

import { useCallback, useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { NotShown, Problem, api } from "../api";
import { JmapError } from "../jmap";
import { explain, signOut, tell } from "../store";
import { say } from "./text";

/** What is at an address of the API, and how to look again. */
export function useApi<T>(path: string): { value: T | null; fault: string; again: () => Promise<void>; set: (value: T) => void } {
  const [value, set] = useState<T | null>(null);
  const [fault, setFault] = useState("");
  const again = useCallback(async () => {
    try {
      set(await api<T>("GET", path));
      setFault("");
    } catch (error) {
      if (error instanceof JmapError && error.kind === "signin") signOut(false);
      setFault(error instanceof Problem ? error.message : explain(error));
    }
  }, [path]);
  useEffect(() => void again(), [again]);
  return { value, fault, again, set };
}

/** Do it; what went wrong in words, "" when it was done, null when the person thought better of it. */
export async function attempt(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return "";
  } catch (error) {
    if (error instanceof NotShown) return null;
    if (error instanceof JmapError && error.kind === "signin") signOut(false);
    return error instanceof Problem ? error.message : explain(error);
  }
}

/** The same from a button: what went wrong is told at the edge of the page. */
export function act(work: () => Promise<unknown>): void {
  void attempt(work).then((fault) => fault && tell(fault));
}

export function Waiting({ fault }: { fault: string }) {
  return (
    <p class={fault ? "fault" : "about"} role={fault ? "alert" : undefined}>
      {fault || say("loading")}
    </p>
  );
}

export function Thing({ name, children, actions }: { name: ComponentChildren; children?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <li>
      <div class="thing">
        <strong>{name}</strong>
        {children}
      </div>
      {actions && <div class="control">{actions}</div>}
    </li>
  );
}
