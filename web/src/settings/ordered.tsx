/** A list whose order people choose: by dragging, by the arrows of each row, by Alt and the arrow keys. */

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../views/icon";
import { say } from "./text";

interface Props<T> {
  list: readonly T[];
  name: (one: T) => string;
  /** What is not in use. */
  off?: (one: T) => boolean;
  move: (from: number, to: number) => void;
  /** A row; parts that keep the focus when it moves have their class in `data-part`. */
  children: (one: T, at: number, arrows: ComponentChildren) => JSX.Element;
}

export function Ordered<T>({ list, name, off, move, children }: Props<T>) {
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const [told, setTold] = useState("");
  const put = (from: number, to: number) => {
    if (to < 0 || to >= list.length || from === to) return;
    move(from, to);
    setTold(say("moved", { name: name(list[from]!), place: to + 1 }));
  };
  const released = () => {
    setDragged(null);
    setOver(null);
  };
  return (
    <>
      <ol class="rules">
        {list.map((one, at) => (
          <li
            key={at}
            class={`rule${off?.(one) ? " off" : ""}${over === at ? " over" : ""}`}
            draggable
            onDragStart={(event) => {
              setDragged(at);
              event.dataTransfer?.setData("text/plain", name(one));
            }}
            onDragOver={(event) => {
              if (dragged === null) return;
              event.preventDefault();
              setOver(at);
            }}
            onDragEnd={released}
            onDrop={(event) => {
              event.preventDefault();
              if (dragged !== null) put(dragged, at);
              released();
            }}
            onKeyDown={(event) => {
              if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
              event.preventDefault();
              const to = at + (event.key === "ArrowUp" ? -1 : 1);
              put(at, to);
              const button = event.target as HTMLElement;
              const row = button.closest("ol")?.children[to];
              // What had the focus keeps it, at its new place.
              requestAnimationFrame(() => row?.querySelector<HTMLElement>(`.${button.dataset["part"] ?? "rule-name"}`)?.focus());
            }}
          >
            <span class="grip" aria-hidden="true">
              <Icon name="grip" />
            </span>
            {children(
              one,
              at,
              <>
                <button class="plain part-up" data-part="part-up" aria-label={say("up", { name: name(one) })} disabled={at === 0} onClick={() => put(at, at - 1)}>
                  <Icon name="up" />
                </button>
                <button class="plain part-down" data-part="part-down" aria-label={say("down", { name: name(one) })} disabled={at === list.length - 1} onClick={() => put(at, at + 1)}>
                  <Icon name="down" />
                </button>
              </>,
            )}
          </li>
        ))}
      </ol>
      <p class="spoken" role="status">
        {told}
      </p>
    </>
  );
}
