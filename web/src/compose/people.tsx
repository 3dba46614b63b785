/** A field of recipients: each a chip, with suggestions while one is typed. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { client, guarded } from "../store";
import { Icon } from "../views/icon";
import { domainOf, parsePeople, unique } from "./addresses";
import { edit } from "./keep";
import type { Suggestion } from "./known";
import type { Field, Letter, Person } from "./letter";
import { say } from "./text";

const WAIT_MS = 120;

/** What is typed becomes recipients. */
export function commit(letter: Letter, field: Field): void {
  const people = parsePeople(letter.typing[field]);
  letter.typing[field] = "";
  if (people.length > 0) edit(letter, { [field]: unique([...letter.draft.value[field], ...people]) });
}

export function People({ letter, field, label, focus }: { letter: Letter; field: Field; label: string; focus: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(letter.typing[field]);
  const [found, setFound] = useState<Suggestion[]>([]);
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const asked = useRef(0);
  const timer = useRef(0);
  const list = letter.draft.value[field];
  useEffect(() => {
    if (focus) input.current?.focus();
  }, [focus]);

  const type = (value: string) => {
    letter.typing[field] = value;
    setText(value);
  };
  const look = (value: string) => {
    clearTimeout(timer.current);
    const mine = (asked.current += 1);
    if (!value.trim()) return setFound([]);
    timer.current = window.setTimeout(async () => {
      const people = await import("./known").then((found) => found.suggest(value));
      if (mine !== asked.current) return; // what was typed since is what counts
      const named = new Set(letter.draft.value[field].map((one) => one.email.toLowerCase()));
      setFound(people.filter((one) => !named.has(one.email.toLowerCase())));
      setChosen(0);
    }, WAIT_MS);
  };
  const finish = () => {
    asked.current += 1;
    clearTimeout(timer.current);
    setFound([]);
    commit(letter, field);
    setText("");
  };
  const take = (one: Suggestion) => {
    type("");
    setFound([]);
    void guarded(async () => {
      const people = await import("./known").then((found) => found.peopleOf(one));
      edit(letter, { [field]: unique([...letter.draft.value[field], ...people.map(({ name, email }) => ({ name, email }))]) });
      finish();
      input.current?.focus();
    });
  };
  const remove = (one: Person, intoInput = false) => {
    edit(letter, { [field]: letter.draft.value[field].filter((each) => each !== one) });
    if (intoInput) type(one.name ? `${one.name} <${one.email}>` : one.email);
    input.current?.focus();
  };

  const onKey = (event: KeyboardEvent) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey) return;
    const open = found.length > 0;
    if (event.key === "ArrowDown" && open) setChosen((chosen + 1) % found.length);
    else if (event.key === "ArrowUp" && open) setChosen((chosen - 1 + found.length) % found.length);
    else if (event.key === "Enter" || (event.key === "Tab" && open)) {
      if (open) take(found[chosen]!);
      else if (text.trim()) finish();
    } else if ([",", ";", "，", "；", "、"].includes(event.key) && text.trim() && !/^\s*"[^"]*$/.test(text)) finish();
    else if (event.key === "Backspace" && !text && list.length > 0) remove(list[list.length - 1]!);
    else if (event.key === "Escape" && open) setFound([]);
    else return;
    event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
  };

  return (
    <div class="recipients" role="group" aria-label={label} onClick={(event) => event.target === event.currentTarget && input.current?.focus()}>
      <label for={id}>{label}</label>
      {list.map((one) => <Chip key={one.email} person={one} remove={() => remove(one)} change={() => remove(one, true)} />)}
      <input
        ref={input} id={id} value={text} autocomplete="off" autocapitalize="off" spellcheck={false} inputMode="email"
        role="combobox" aria-autocomplete="list" aria-expanded={found.length > 0} aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        onInput={(event) => {
          type(event.currentTarget.value);
          // Letters of a word that is still being composed are no word yet, but pinyin finds names too.
          look(event.currentTarget.value);
        }}
        onKeyDown={onKey}
        onBlur={finish}
        onPaste={(event) => {
          const pasted = event.clipboardData?.getData("text/plain") ?? "";
          if (!/[@,;，；\n]/.test(pasted)) return;
          event.preventDefault();
          type(text + pasted);
          finish();
        }}
      />
      <ul class="found" id={`${id}-list`} role="listbox" aria-label={say("people.suggestions")} hidden={found.length === 0}>
        {found.map((one, at) => (
          <li
            key={one.email} id={`${id}-${at}`} role="option" aria-selected={at === chosen}
            onMouseDown={(event) => {
              event.preventDefault();
              take(one);
            }}
          >
            <b>{one.name || one.email}</b>
            {one.name && <small>{one.members === undefined ? one.email : one.members.length}</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Chip({ person, remove, change }: { person: Person; remove: () => void; change: () => void }) {
  const name = person.name || person.email;
  const outside = !person.bad && domainOf(person.email) !== domainOf(client.value?.address ?? "");
  const spoken = person.bad ? say("people.bad", { name }) : outside ? say("people.outside", { name }) : name;
  return (
    <span class={`chip${person.bad ? " bad" : outside ? " outside" : ""}`} title={person.email} onDblClick={change}>
      <span aria-hidden="true">{name}</span>
      <span class="spoken">{spoken}</span>
      <button class="plain" tabIndex={-1} aria-label={say("people.remove", { name })} onClick={remove}>
        <Icon name="close" />
      </button>
    </span>
  );
}
