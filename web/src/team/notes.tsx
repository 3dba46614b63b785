/** Notes of members to a conversation, and writing one, with @ for other members. */

import { useRef, useState } from "preact/hooks";
import type { Id } from "../jmap";
import { tell } from "../store";
import { formatMoment, formatWhen } from "../text";
import { Icon } from "../views/icon";
import { addNote, changeNote, dropNote, me, members, notes } from "./model";
import type { Member, Note } from "./model";
import { team } from "./text";

const LENGTH_MAX = 16 * 1024;
/** What was begun, until it is added: by conversation, or note. */
const begun = new Map<Id, string>();

export function Notes({ thread }: { thread: Id }) {
  const list = notes.value;
  const may = me.value?.mayWrite;
  if (list.length === 0 && !may) return null;
  return (
    <section class="notes" aria-labelledby="notes-title">
      <h2 id="notes-title">
        <Icon name="lock" /> {team("notes")}
      </h2>
      <p class="about">{team("notes.who")}</p>
      <ul>
        {list.map((one) => (
          <One key={one.id} note={one} />
        ))}
      </ul>
      {may && <Writing id={thread} start="" label={team("note.add")} save={(text) => addNote(thread, text)} />}
    </section>
  );
}

function One({ note }: { note: Note }) {
  const [editing, setEditing] = useState(false);
  return (
    <li class="note">
      <header>
        <b>{note.authorName}</b> <time dateTime={note.createdAt} title={formatMoment(note.createdAt)}>{formatWhen(note.createdAt)}</time>
        {note.editedAt && <small title={formatMoment(note.editedAt)}> · {team("note.edited")}</small>}
        {note.isMine && !editing && (
          <span class="acts">
            <button class="plain" onClick={() => setEditing(true)}>{team("note.edit")}</button>
            <button class="plain" onClick={() => confirm(team("note.sure")) && void dropNote(note.id)}>{team("note.delete")}</button>
          </span>
        )}
      </header>
      {editing ? (
        <Writing
          id={note.id} start={note.text} label={team("note.save")} cancel={() => setEditing(false)}
          save={(text) => changeNote(note.id, text).then((good) => (good && setEditing(false), good))}
        />
      ) : (
        <p class="text">
          <Marked text={note.text} />
        </p>
      )}
    </li>
  );
}

/** Members that are mentioned stand out. */
function Marked({ text }: { text: string }) {
  const names = members.value.flatMap((one) => [one.email, one.name]).sort((one, other) => other.length - one.length);
  if (names.length === 0) return <>{text}</>;
  const pattern = new RegExp(`(@(?:${names.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")}))`);
  return <>{text.split(pattern).map((part, at) => (at % 2 ? <mark key={at}>{part}</mark> : part))}</>;
}

interface WritingProps {
  id: Id;
  start: string;
  label: string;
  save: (text: string) => Promise<boolean>;
  cancel?: () => void;
}

function Writing({ id, start, label, save, cancel }: WritingProps) {
  const [text, setText] = useState(begun.get(id) ?? start);
  const [busy, setBusy] = useState(false);
  const [at, setAt] = useState(0);
  const [caret, setCaret] = useState(-1);
  const field = useRef<HTMLTextAreaElement>(null);
  const typed = caret < 0 ? null : /@([^\s@]*)$/.exec(text.slice(0, caret));
  const found = typed ? matching(typed[1]!) : [];
  const list = `members-${id}`;
  const change = (next: string) => {
    setText(next);
    begun.set(id, next);
  };
  const pick = (one: Member) => {
    const head = text.slice(0, caret - typed![0].length) + `@${one.name} `;
    change(head + text.slice(caret));
    setCaret(-1);
    queueMicrotask(() => {
      field.current?.focus();
      field.current?.setSelectionRange(head.length, head.length);
    });
  };
  const send = () => {
    if (busy || !text.trim()) return;
    if (new TextEncoder().encode(text).length > LENGTH_MAX) return tell(team("note.long"));
    setBusy(true);
    void save(text.trim()).then((good) => {
      setBusy(false);
      if (!good) return;
      begun.delete(id);
      setText("");
    });
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229) return;
    if (found.length > 0 && ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Escape") setCaret(-1);
      else if (event.key === "ArrowDown") setAt((at + 1) % found.length);
      else if (event.key === "ArrowUp") setAt((at + found.length - 1) % found.length);
      else pick(found[Math.min(at, found.length - 1)]!);
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && cancel) cancel();
  };
  return (
    <form
      class="writing"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field} rows={2} value={text} aria-label={team("note.new")} placeholder={team("note.hint")}
        aria-controls={list} aria-autocomplete="list" aria-activedescendant={found.length > 0 ? `${list}-${Math.min(at, found.length - 1)}` : undefined}
        onInput={(event) => {
          change(event.currentTarget.value);
          setCaret(event.currentTarget.selectionStart);
          setAt(0);
        }}
        onBlur={() => setTimeout(() => setCaret(-1), 200)}
        onKeyDown={onKey}
      />
      <ul id={list} class="proposals" role="listbox" aria-label={team("note.members")} hidden={found.length === 0}>
        {found.map((one, index) => (
          <li
            key={one.id} id={`${list}-${index}`} role="option" aria-selected={index === at}
            onMouseDown={(event) => {
              event.preventDefault();
              pick(one);
            }}
          >
            <b>{one.name}</b> <small>{one.email}</small>
          </li>
        ))}
      </ul>
      <div class="acts">
        <button class="main" disabled={busy || !text.trim()}>{label}</button>
        {cancel && (
          <button
            type="button"
            onClick={() => {
              begun.delete(id);
              cancel();
            }}
          >
            {team("note.cancel")}
          </button>
        )}
      </div>
    </form>
  );
}

function matching(typed: string): Member[] {
  const wanted = typed.toLowerCase();
  return members.value.filter((one) => !one.isMe && (one.name.toLowerCase().startsWith(wanted) || one.email.toLowerCase().startsWith(wanted))).slice(0, 6);
}
