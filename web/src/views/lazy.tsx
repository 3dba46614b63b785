import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { tell } from "../store";
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

/** What was pressed for is on its way. */
export const Coming = () => <p class="coming">{say("list.loading")}</p>;

/** The same for what opens over the page: nothing is shown until it is there.  What somebody asked for is said to be coming; `forget` where it does not. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>, forget?: (props: P) => void): ComponentType<P> {
  const found = signal<ComponentType<P> | null>(null);
  let asked = false;
  return (props: P) => {
    const Part = found.value;
    if (Part !== null) return <Part {...props} />;
    if (!asked) {
      asked = true;
      load().then(
        (one) => (found.value = one),
        () => {
          asked = false;
          if (!forget) return;
          tell(say("error.network"));
          forget(props);
        },
      );
    }
    return forget ? <Coming /> : null;
  };
}
