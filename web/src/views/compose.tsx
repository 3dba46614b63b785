import { useEffect, useRef, useState } from "preact/hooks";
import { attach, close, discard, draft, edit, objections, saved, send } from "../draft";
import { formatSize, formatWhen, say } from "../text";
import { Icon } from "./icon";

export function trySend(setFault: (text: string) => void): void {
  const current = draft.value;
  if (current === null) return;
  const { refusal, question } = objections(current);
  if (refusal) {
    setFault(refusal);
    return;
  }
  if (question && !confirm(question)) return;
  setFault("");
  void send();
}

export function Compose() {
  const [fault, setFault] = useState("");
  const [over, setOver] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const text = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (draft.value?.to) {
      text.current?.focus();
      text.current?.setSelectionRange(0, 0);
    } else first.current?.focus();
  }, []);
  const current = draft.value!;
  const state = saved.value;
  return (
    <section
      class={`compose${over ? " over" : ""}`}
      role="dialog"
      aria-label={say("write.title")}
      onKeyDown={(event) => {
        if (event.isComposing) return;
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) trySend(setFault);
        if (event.key === "Escape") void close();
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer) void attach(event.dataTransfer.files);
      }}
    >
      <div class="head">
        <h2>{current.subject || say("write.title")}</h2>
        <button class="plain" aria-label={say("act.close")} onClick={() => void close()}>
          <Icon name="close" />
        </button>
      </div>
      <label>
        {say("read.to")}
        <input ref={first} value={current.to} autocomplete="off" onInput={(event) => edit({ to: event.currentTarget.value })} />
      </label>
      <label>
        {say("read.cc")}
        <input value={current.cc} autocomplete="off" onInput={(event) => edit({ cc: event.currentTarget.value })} />
      </label>
      <label>
        {say("read.bcc")}
        <input value={current.bcc} autocomplete="off" onInput={(event) => edit({ bcc: event.currentTarget.value })} />
      </label>
      <label>
        {say("write.subject")}
        <input value={current.subject} autocomplete="off" onInput={(event) => edit({ subject: event.currentTarget.value })} />
      </label>
      <textarea ref={text} aria-label={say("write.body")} value={current.text} onInput={(event) => edit({ text: event.currentTarget.value })} />
      {current.files.length > 0 && (
        <ul class="files" aria-label={say("read.attachments")}>
          {current.files.map((file) => (
            <li key={file.blobId}>
              <Icon name="clip" /> <span class="name">{file.name}</span> <small>{formatSize(file.size)}</small>
              <button
                class="plain"
                aria-label={say("write.remove", { name: file.name })}
                onClick={() => edit({ files: current.files.filter((one) => one !== file) })}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="foot">
        <button class="main" title="Ctrl+Enter" onClick={() => trySend(setFault)}>
          <Icon name="sent" /> {say("write.send")}
        </button>
        <label class="attach">
          <Icon name="clip" /> {say("write.attach")}
          <input
            type="file"
            multiple
            onChange={(event) => {
              if (event.currentTarget.files) void attach([...event.currentTarget.files]);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <span class="state" role="status">
          {state === "new"
            ? ""
            : state === "saving"
              ? say("write.saving")
              : state === "dirty"
                ? say("write.unsaved")
                : say("write.saved", { time: formatWhen(state.toISOString()) })}
        </span>
        <button class="plain" aria-label={say("write.discard")} title={say("write.discard")} onClick={() => confirm(say("write.confirm")) && void discard()}>
          <Icon name="trash" />
        </button>
      </div>
    </section>
  );
}
