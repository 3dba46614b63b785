import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { say } from "../text";

/** A part of the pages that is fetched when it is first shown; `Wait`: the element in its place. */
export function lazily(load: () => Promise<ComponentType>, Wait: "main" | "div" = "main"): ComponentType {
  const found = signal<ComponentType | null>(null);
  const failed = signal(false);
  let asked = false;
  const fetch = () => {
    asked = true;
    failed.value = false;
    load().then(
      (one) => (found.value = one),
      () => (failed.value = true),
    );
  };
  return () => {
    const Part = found.value;
    if (Part !== null) return <Part />;
    if (!asked) fetch();
    return (
      <Wait class="waiting" aria-busy={!failed.value}>
        {failed.value ? (
          <p role="alert">
            {say("error.network")} <button onClick={fetch}>{say("act.again")}</button>
          </p>
        ) : (
          <p class="empty">{say("list.loading")}</p>
        )}
      </Wait>
    );
  };
}

/** The same for what opens over the page: nothing is shown until it is there. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const found = signal<ComponentType<P> | null>(null);
  let asked = false;
  return (props: P) => {
    const Part = found.value;
    if (Part !== null) return <Part {...props} />;
    if (!asked) {
      asked = true;
      load().then(
        (one) => (found.value = one),
        () => (asked = false),
      );
    }
    return null;
  };
}
