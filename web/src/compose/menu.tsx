/** A button with a list of things to do: arrow keys walk, Escape closes, a click elsewhere too. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

export interface Choice {
  label: string;
  run: () => void;
  on?: boolean;
  swatch?: string;
}

interface Props {
  label: string;
  children: ComponentChildren;
  choices: Choice[];
  class?: string;
  keep?: boolean; // the keyboard stays where it was
}

export function Menu({ label, children, choices, class: name = "plain", keep = false }: Props) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    box.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const away = (event: Event) => !(event.target instanceof Node && box.current?.contains(event.target)) && setOpen(false);
    addEventListener("mousedown", away);
    addEventListener("blur", away); // a click in the frame of the text
    return () => {
      removeEventListener("mousedown", away);
      removeEventListener("blur", away);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    if (!keep) box.current?.querySelector<HTMLElement>("button")?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (!open || event.isComposing) return;
    const items = [...box.current!.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next !== undefined) items[(next + items.length) % items.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const marked = choices.some((one) => one.on !== undefined);
  return (
    <div class="menu" ref={box} onKeyDown={onKey}>
      <button
        type="button" class={name} aria-label={label} title={label} aria-haspopup="menu" aria-expanded={open}
        aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}
      >
        {children}
      </button>
      {open && (
        <div class="choices" role="menu" id={id} aria-label={label}>
          {choices.map((one) => (
            <button
              key={one.label} type="button" class="plain" tabIndex={-1} role={marked ? "menuitemradio" : "menuitem"}
              aria-checked={marked ? Boolean(one.on) : undefined}
              onClick={() => {
                close();
                one.run();
              }}
            >
              {marked && <span class="tick" aria-hidden="true">{one.on ? "✓" : ""}</span>}
              {one.swatch !== undefined && <span class={`swatch ${one.swatch}`} aria-hidden="true" />}
              {one.label}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
