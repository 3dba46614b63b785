import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { guarded, practice, practiceAgain, readDialogue, sendPractice, source, stages } from "../store";
import type { Dialogue, Line, Stage } from "../api";
import { clock, language, say } from "../text";
import { Ladder } from "./ladder";
import { Explain } from "./opened";
import { Picture } from "./picture";
import "../../busy";

const current = signal<Stage["name"]>("compose");

export function Practice({ people }: { people: string[] }) {
  if (people.length === 0) return <main class="empty">{say("practice.none")}</main>;
  return (
    <main class="practice">
      {practice.value === "" ? <Form people={people} /> : <Watch />}
    </main>
  );
}

function Form({ people }: { people: string[] }) {
  const busy = useSignal(false);
  async function send(event: SubmitEvent) {
    event.preventDefault();
    const letter = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<string, string>;
    busy.value = true;
    current.value = "compose";
    await sendPractice(letter);
    busy.value = false;
  }
  return (
    <form class="card" onSubmit={(event) => void send(event)}>
      <h1>{say("tab.practice")}</h1>
      <p>{say("practice.about")}</p>
      <div class="pair">
        <Choice name="sender" label={say("practice.from")} values={people} value={people[0]!} />
        <Choice name="to" label={say("practice.to")} values={people} value={people.find((one) => one.startsWith("li@")) ?? people.at(-1)!} />
      </div>
      <label>
        {say("practice.subject")}
        <input name="subject" required maxLength={200} key={language.value} defaultValue={say("practice.subject.value")} />
      </label>
      <label>
        {say("practice.text")}
        <textarea name="text" rows={4} maxLength={4000} key={language.value} defaultValue={say("practice.text.value")} />
      </label>
      <fieldset>
        <legend>{say("practice.by")}</legend>
        {["imap", "pop3"].map((by, index) => (
          <label key={by} class="radio">
            <input type="radio" name="by" value={by} defaultChecked={index === 0} /> {by.toUpperCase()}
          </label>
        ))}
      </fieldset>
      <button class="main" aria-disabled={busy.value}>
        {say("practice.send")}
      </button>
    </form>
  );
}

function Choice({ name, label, values, value }: { name: string; label: string; values: string[]; value: string }) {
  return (
    <label>
      {label}
      <select name={name}>
        {values.map((one) => (
          <option key={one} selected={one === value}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function Watch() {
  const found = stages.value;
  const stage = found.find((one) => one.name === current.value);
  return (
    <>
      <h1 class="spoken">{say("tab.practice")}</h1>
      <Picture stages={found} />
      <div class="steps" role="tablist" aria-label={say("tab.practice")}>
        {found.map((one, index) => (
          <button
            key={one.name}
            role="tab"
            id={`tab-${one.name}`}
            aria-controls="stage"
            aria-selected={current.value === one.name}
            class={`step ${one.state}`}
            onClick={() => (current.value = one.name)}
          >
            <b>{index + 1}</b> {say(`stage.${one.name}`)}
            <small>{one.at > 0 ? clock(one.at, true) : say(`state.${one.state}`)}</small>
          </button>
        ))}
      </div>
      {stage && (
        <section class="stage card" id="stage" role="tabpanel" aria-labelledby={`tab-${stage.name}`}>
          <header class="head">
            <p>{say(`stage.${stage.name}.about`)}</p>
            <span class="tools">
              <Explain />
              <button onClick={practiceAgain}>{say("practice.again")}</button>
            </span>
          </header>
          {stage.error && <p class="fault">{stage.error}</p>}
          {stage.state === "skipped" && <p class="hint">{say("state.skipped")}</p>}
          {stage.name === "compose" && source.value && <pre class="source">{source.value}</pre>}
          {stage.story.length > 0 && <Story lines={stage.story} />}
          {stage.dialogues.map((one) => (
            <Heard key={`${one.id}/${one.lines}/${language.value}`} one={one} />
          ))}
        </section>
      )}
    </>
  );
}

function Story({ lines }: { lines: Stage["story"] }) {
  return (
    <ol class="story">
      {lines.map((one) => (
        <li key={`${one.at}/${one.step}`}>
          <time>{clock(one.at, true)}</time> {one.text}
        </li>
      ))}
    </ol>
  );
}

function Heard({ one }: { one: Dialogue }) {
  const lines = useSignal<Line[]>([]);
  useEffect(() => {
    void guarded(async () => {
      lines.value = (await readDialogue(one.id, 0)).lines;
    });
  }, []);
  return (
    <article>
      <h2>
        <span class={`badge ${one.protocol}`}>{one.service}</span> {one.host}
      </h2>
      <Ladder lines={lines.value} one={one} />
    </article>
  );
}
