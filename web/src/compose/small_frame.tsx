/** The editor without its buttons, for what is no letter: signatures and templates. */

import { useEffect, useRef } from "preact/hooks";
import { language } from "../text";
import type { FrameApi } from "./frame";
import "./style.css";

interface Props {
  label: string;
  html: string;
  /** Pictures of it: content id -> where it is shown from. */
  pictures?: ReadonlyMap<string, string>;
  api: { current: FrameApi | null };
}

export function SmallFrame({ label, html, pictures = new Map(), api }: Props) {
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const element = frame.current!;
    const ready = () => {
      const nothing = () => undefined;
      const editor = element.contentWindow?.editor as FrameApi;
      editor.start({
        label, language: language.value, edited: nothing, moved: nothing, key: nothing, blur: nothing, files: nothing,
        keep: () => {
          throw new Error("no new pictures here");
        },
      });
      editor.set(html, pictures);
      api.current = editor;
      element.dataset["ready"] = "";
    };
    element.addEventListener("ready", ready);
    element.src = "/mail/editor";
    return () => {
      api.current = null;
      element.removeEventListener("ready", ready);
    };
  }, []);
  return <iframe ref={frame} class="text signing" title={label} />;
}
