/** The text of a letter: the frame with the editor, or plain text. */

import { useEffect, useRef } from "preact/hooks";
import { language } from "../text";
import type { FrameApi } from "./frame";
import { edit, save, touched } from "./keep";
import type { Letter } from "./letter";
import { toolbarFormat } from "./format";
import { say } from "./text";
import { add, showPictures } from "./upload";

interface Props {
  letter: Letter;
  api: { current: FrameApi | null };
  focus: "start" | "end" | null;
  onSend: () => void;
  onEscape: () => void;
  onLink: () => void;
}

export function insertFiles(letter: Letter, api: FrameApi | null, files: Iterable<File>): void {
  for (const one of add(letter, files, api !== null)) if (one.inline) api!.picture(one.key, one.url!, one.name);
}

export function RichText({ letter, api, focus, onSend, onEscape, onLink }: Props) {
  const frame = useRef<HTMLIFrameElement>(null);
  const acts = useRef({ onSend, onEscape, onLink });
  acts.current = { onSend, onEscape, onLink };
  useEffect(() => {
    const element = frame.current!;
    let known = letter.draft.value.html;
    let changed = false;
    letter.collect = () => {
      const html = api.current?.get() ?? known;
      if (html !== known) {
        known = html;
        letter.draft.value = { ...letter.draft.value, html };
      }
    };
    const ready = async () => {
      await showPictures(letter);
      const editor = element.contentWindow?.editor;
      if (!editor) return;
      editor.start({
        label: say("body"),
        language: language.value,
        edited: () => {
          // What the editor does to its own beginning is no change.
          changed ||= editor.get() !== known;
          if (changed) touched(letter);
        },
        moved: (format) => (toolbarFormat.value = format),
        key: (name) => ({ send: acts.current.onSend, escape: acts.current.onEscape, link: acts.current.onLink })[name](),
        files: (files) => insertFiles(letter, api.current, files),
        keep: (picture) => {
          const [file] = add(letter, [picture], true);
          if (file === undefined) throw new Error("too large");
          return { cid: file.key, url: file.url! };
        },
        blur: () => void (letter.saved.value === "dirty" && save(letter)),
      });
      const pictures = letter.draft.value.files.filter((one) => one.inline && one.url);
      editor.set(letter.draft.value.html, new Map(pictures.map((one) => [one.key, one.url!])));
      known = editor.get();
      letter.draft.value = { ...letter.draft.value, html: known };
      api.current = editor;
      element.dataset["ready"] = "";
      if (focus !== null) editor.focus(focus === "end");
    };
    const onReady = () => void ready();
    element.addEventListener("ready", onReady);
    element.src = "/mail/editor";
    return () => {
      letter.collect();
      letter.collect = () => undefined;
      api.current = null;
      element.removeEventListener("ready", onReady);
    };
  }, [letter]);
  return <iframe ref={frame} class="text" title={say("body")} />;
}

export function PlainText({ letter, focus }: { letter: Letter; focus: "start" | "end" | null }) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (focus === null) return;
    area.current?.focus();
    const at = focus === "end" ? letter.draft.value.text.length : 0;
    area.current?.setSelectionRange(at, at);
  }, [letter]);
  return (
    <textarea
      ref={area} class="text" aria-label={say("body")} value={letter.draft.value.text}
      onInput={(event) => edit(letter, { text: event.currentTarget.value })}
      onBlur={() => void (letter.saved.value === "dirty" && save(letter))}
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0 || event.clipboardData?.getData("text/plain")) return;
        event.preventDefault();
        add(letter, files, false);
      }}
    />
  );
}
