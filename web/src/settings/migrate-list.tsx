/** The migrations of an account: how far each is, what it could not copy and what to do, and what its owner can do with it. */

import { useState } from "preact/hooks";
import { api } from "../api";
import { formatSize, formatWhen } from "../text";
import { act, attempt } from "./account-parts";
import { SignInThere } from "./migrate-sign-in";
import { Field, Modal, ask } from "./parts";
import { say } from "./migrate.text";
import type { Key } from "./migrate.text";

export interface Moving {
  id: number;
  provider: string;
  host: string;
  user: string;
  state: "waiting" | "running" | "retrying" | "paused" | "done" | "cancelled" | "failed";
  error: "" | "sign-in" | "unreachable" | "address" | "quota" | "fault";
  detail: string;
  needs_password: boolean;
  signed_in: boolean;
  folders: { name: string; total: number; copied: number; known: number; failed: number; at: number }[];
  missing: { folder: string; reason: "too-large" | "gone" | "folder"; subject: string; size: number }[];
  missing_count: number;
  started_at: string | null;
  ended_at: string | null;
}

export const active = (one: Moving): boolean => ["waiting", "running", "retrying"].includes(one.state);
const isOver = (one: Moving): boolean => ["done", "cancelled", "failed"].includes(one.state);
const NAMED_MAX = 50;

export function MovingList({ list, again }: { list: Moving[]; again: () => Promise<void> }) {
  if (list.length === 0) return <p class="about">{say("list.none")}</p>;
  return (
    <ul class="things">
      {list.map((one) => (
        <Move key={one.id} one={one} again={again} />
      ))}
    </ul>
  );
}

function Move({ one, again }: { one: Moving; again: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const wish = (what: string) =>
    act(async () => {
      await api("PATCH", `/self/migrations/${one.id}`, { wish: what });
      await again();
    });
  const cancel = async () => (await ask(say("cancel"), say("cancel.sure"), say("cancel"))) && wish("cancel");
  const sum = (of: "copied" | "known" | "total") => one.folders.reduce((all, folder) => all + folder[of], 0);
  return (
    <li class="move">
      <div class="thing">
        <strong>{one.user}</strong>
        <small>
          {one.provider ? say(`p.${one.provider}` as Key) : one.host} · {formatWhen(one.ended_at ?? one.started_at ?? "")}
        </small>
      </div>
      <span class={`badge ${one.state === "done" ? "good" : one.state === "failed" ? "bad" : ""}`}>{say(`state.${one.state}`)}</span>
      <div class="moved">
        {!isOver(one) && <progress max={1} value={partOf(one)} aria-label={say("progress", { user: one.user })} />}
        <p>{say("counts", { copied: sum("copied"), known: sum("known") })}</p>
        {one.error && (
          <p class="fault">
            {say(`error.${one.error}`)} {one.detail && <small>{say("said", { detail: one.detail })}</small>}
          </p>
        )}
        {one.folders.length > 0 && <ByFolder one={one} />}
        {one.missing_count > 0 && <Missing one={one} />}
      </div>
      <div class="actions">
        {active(one) && <button onClick={() => wish("pause")}>{say("pause")}</button>}
        {one.state === "paused" && <button onClick={() => (one.needs_password ? setAsking(true) : wish("run"))}>{say("resume")}</button>}
        {!isOver(one) && <button onClick={() => void cancel()}>{say("cancel")}</button>}
        {isOver(one) && <button onClick={() => setAsking(true)}>{say("again")}</button>}
        {isOver(one) && (
          <button
            class="plain"
            onClick={() =>
              act(async () => {
                await api("DELETE", `/self/migrations/${one.id}`);
                await again();
              })
            }
          >
            {say("remove")}
          </button>
        )}
      </div>
      {asking && <Again one={one} close={() => setAsking(false)} again={again} />}
    </li>
  );
}

/** Of all folders that were begun, by their letters. */
function partOf(one: Moving): number {
  const total = one.folders.reduce((all, folder) => all + Math.max(1, folder.total), 0);
  return total ? one.folders.reduce((all, folder) => all + Math.max(1, folder.total) * folder.at, 0) / total : 0;
}

function ByFolder({ one }: { one: Moving }) {
  return (
    <details open={active(one)}>
      <summary>{say("details")}</summary>
      <ul class="by-folder">
        {one.folders.map((folder) => (
          <li key={folder.name}>
            <span>{folder.name}</span>
            <progress max={1} value={folder.at} aria-label={folder.name} />
            <small>{say("of", { copied: folder.copied + folder.known, total: folder.total })}</small>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Missing({ one }: { one: Moving }) {
  const shown = one.missing.slice(0, NAMED_MAX);
  return (
    <details>
      <summary>{say("missing", { count: one.missing_count })}</summary>
      <ul class="by-reason">
        {shown.map((letter, at) => (
          <li key={at}>{say(`missing.${letter.reason}` as Key, { ...letter, size: formatSize(letter.size) })}</li>
        ))}
        {one.missing_count > shown.length && <li>{say("missing.rest", { count: one.missing_count - shown.length })}</li>}
      </ul>
    </details>
  );
}

function Again({ one, close, again }: { one: Moving; close: () => void; again: () => Promise<void> }) {
  const [fault, setFault] = useState("");
  const go = (password: string) =>
    attempt(() => api("PATCH", `/self/migrations/${one.id}`, { wish: "run", password })).then((failed) => {
      setFault(failed ?? "");
      if (failed === "") void again().then(close);
    });
  if (one.signed_in)
    return (
      <Modal title={say(isOver(one) ? "again.title" : "resume")} close={close}>
        <p class="fault" role="alert">
          {fault}
        </p>
        <SignInThere provider={one.provider} busy={false} ready={() => true} granted={(text) => void go(text)} />
      </Modal>
    );
  return (
    <Modal title={say(isOver(one) ? "again.title" : "resume")} close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go(String(new FormData(event.currentTarget).get("password")));
        }}
      >
        <Field label={say(one.provider === "office365" ? "token" : "password")} hint={say("password.hint")}>
          <input name="password" type="password" required autocomplete="off" />
        </Field>
        <p class="fault" role="alert">
          {fault}
        </p>
        <div class="actions">
          <button class="main">{say("again")}</button>
        </div>
      </form>
    </Modal>
  );
}
