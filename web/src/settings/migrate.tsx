/** Moving in from a mailbox elsewhere: where it is, what of it, and how far it is; the server does the work. */

import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api";
import type { Listing } from "../api";
import { explain, guarded, refresh } from "../store";
import { MovingList, active } from "./migrate-list";
import type { Moving } from "./migrate-list";
import { SignInThere, told } from "./migrate-sign-in";
import { Card, Field } from "./parts";
import { say } from "./migrate.text";
import type { Key } from "./migrate.text";

const PROVIDERS = ["qq", "exmail", "163", "126", "gmail", "office365", "other"] as const;
type Provider = (typeof PROVIDERS)[number];

/** Where people of a provider switch IMAP on. */
const SETTINGS: Partial<Record<Provider, string>> = {
  qq: "https://mail.qq.com/",
  exmail: "https://exmail.qq.com/",
  "163": "https://mail.163.com/",
  "126": "https://mail.126.com/",
  gmail: "https://myaccount.google.com/apppasswords",
};
const ENDS: Partial<Record<Provider, string>> = { qq: "@qq.com", "163": "@163.com", "126": "@126.com", gmail: "@gmail.com" };
/** Not taken along unless somebody wants to. */
const LEFT = ["junk", "trash"];
const SOON_MS = 2000;
const LATER_MS = 20_000;

interface There {
  id: string;
  name: string;
  role: string;
  letters: number;
}

interface Source {
  provider: string;
  host: string;
  port: number;
  user: string;
  password: string;
  by_token: boolean;
  signed_in: boolean;
}

export function Migrate() {
  const [list, setList] = useState<Moving[] | null>(null);
  const [fault, setFault] = useState("");
  const before = useRef(0);
  const load = async () => {
    try {
      const { items } = await api<Listing<Moving>>("GET", "/self/migrations");
      const running = items.filter(active).length;
      if (running < before.current) void guarded(refresh); // there are letters, and perhaps folders, that nobody saw yet
      before.current = running;
      setList(items);
      setFault("");
    } catch (error) {
      setFault(explain(error));
    }
  };
  const soon = list?.some(active) ?? false;
  useEffect(() => {
    void load();
    const timer = setInterval(() => !document.hidden && void load(), soon ? SOON_MS : LATER_MS);
    return () => clearInterval(timer);
  }, [soon]);
  return (
    <>
      <New started={load} />
      <Card id="migrations" title={say("list")}>
        {fault && <p class="fault" role="alert">{fault}</p>}
        {list && <MovingList list={list} again={load} />}
      </Card>
    </>
  );
}

function New({ started }: { started: () => Promise<void> }) {
  const [provider, setProvider] = useState<Provider>("qq");
  const [source, setSource] = useState<Source | null>(null);
  const [there, setThere] = useState<There[] | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState("");
  const [signs, setSigns] = useState<string[]>([]);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    void api<Listing<{ provider: string }>>("GET", "/self/migration-sign-in").then(({ items }) => setSigns(items.map((one) => one.provider)), () => {});
  }, []);
  const signing = signs.includes(provider);
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault("");
    await work().catch((error: unknown) => setFault(told(error)));
    setBusy(false);
  };
  const connect = (form: HTMLFormElement, granted = "") => {
    const field = (name: string) => String(new FormData(form).get(name) ?? "").trim();
    const found: Source = {
      provider: provider === "other" ? "" : provider,
      host: field("host"),
      port: Number(field("port") || 993),
      user: field("user"),
      password: granted || field("password"),
      by_token: provider === "office365" && !granted,
      signed_in: granted !== "",
    };
    void attempt(async () => {
      const { items } = await api<Listing<There>>("POST", "/self/migrations/check", found);
      setSource(found);
      setThere(items);
    });
  };
  const start = (folders: string[]) =>
    attempt(async () => {
      await api("POST", "/self/migrations", { ...source, folders });
      setSource(null);
      setThere(null);
      await started();
    });
  return (
    <Card id="migrate" title={say("from")} hint={say("from.about")}>
      {there === null ? (
        <form
          ref={form}
          onSubmit={(event) => {
            event.preventDefault();
            if (!signing) connect(event.currentTarget);
          }}
        >
          <fieldset class="choice providers">
            <legend class="spoken">{say("provider")}</legend>
            {PROVIDERS.map((one) => (
              <label key={one}>
                <input type="radio" name="provider" value={one} checked={one === provider} disabled={busy} onChange={() => setProvider(one)} />
                <span>{say(`p.${one}`)}</span>
              </label>
            ))}
          </fieldset>
          <How provider={provider} signing={signing} />
          {provider === "other" && (
            <div class="fields">
              <Field label={say("host")}>
                <input name="host" required autocomplete="off" placeholder="imap.example.com" pattern="[A-Za-z0-9.:\-]+" disabled={busy} />
              </Field>
              <Field label={say("port")}>
                <input name="port" type="number" min={1} max={65535} defaultValue="993" disabled={busy} />
              </Field>
            </div>
          )}
          <div class="fields">
            <Field label={say("user")}>
              <input name="user" required autocomplete="off" placeholder={`name${ENDS[provider] ?? "@example.com"}`} defaultValue={source?.user ?? ""} disabled={busy} />
            </Field>
            {!signing && (
              <Field label={say(provider === "office365" ? "token" : "password")} hint={say("password.hint")}>
                <input name="password" type="password" required autocomplete="off" disabled={busy} />
              </Field>
            )}
          </div>
          <p class="fault" role="alert">
            {fault}
          </p>
          {signing ? (
            <SignInThere
              key={provider} provider={provider} busy={busy} ready={() => form.current?.reportValidity() ?? false}
              granted={(text) => form.current && connect(form.current, text)}
            />
          ) : (
            <div class="actions">
              <button class="main" aria-disabled={busy}>
                {say(busy ? "connecting" : "connect")}
              </button>
            </div>
          )}
        </form>
      ) : (
        <Folders there={there} busy={busy} fault={fault} start={start} back={() => setThere(null)} />
      )}
    </Card>
  );
}

function How({ provider, signing }: { provider: Provider; signing: boolean }) {
  const text = say(signing ? "how.signin" : (`how.${provider === "126" ? "163" : provider}` as Key));
  const steps = text.split(/(?=\d\. )/);
  return (
    <div class="how">
      {steps.length > 1 ? (
        <ol class="steps">
          {steps.map((one) => (
            <li key={one}>{one.replace(/^\d\. /, "")}</li>
          ))}
        </ol>
      ) : (
        <p>{text}</p>
      )}
      {SETTINGS[provider] && (
        <a href={SETTINGS[provider]} target="_blank" rel="noopener noreferrer">
          {say("how.link")}
        </a>
      )}
    </div>
  );
}

interface FoldersProps {
  there: There[];
  busy: boolean;
  fault: string;
  start: (folders: string[]) => Promise<void>;
  back: () => void;
}

function Folders({ there, busy, fault, start, back }: FoldersProps) {
  const [chosen, setChosen] = useState(() => new Set(there.filter((one) => !LEFT.includes(one.role)).map((one) => one.id)));
  const heading = useRef<HTMLLegendElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const toggle = (ids: string[], on: boolean) => {
    const next = new Set(chosen);
    for (const id of ids) if (on) next.add(id); else next.delete(id);
    setChosen(next);
  };
  const letters = there.filter((one) => chosen.has(one.id)).reduce((sum, one) => sum + Math.max(0, one.letters), 0);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void start([...chosen]);
      }}
    >
      <fieldset class="block">
        <legend ref={heading} tabIndex={-1}>
          {say("folders")}
        </legend>
        <label class="check">
          <input
            type="checkbox" checked={chosen.size === there.length} indeterminate={chosen.size > 0 && chosen.size < there.length} disabled={busy}
            onChange={(event) => toggle(there.map((one) => one.id), event.currentTarget.checked)}
          />
          <strong>{say("folders.all")}</strong>
        </label>
        <ul class="there">
          {there.map((one) => (
            <li key={one.id}>
              <label class="check">
                <input type="checkbox" checked={chosen.has(one.id)} disabled={busy} onChange={(event) => toggle([one.id], event.currentTarget.checked)} />
                <span>{one.name}</span>
                {one.letters >= 0 && <small>{say("folders.count", { count: one.letters })}</small>}
              </label>
            </li>
          ))}
        </ul>
      </fieldset>
      <p role="status" class="about">
        {say("folders.chosen", { folders: chosen.size, count: letters })}
      </p>
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="actions">
        <button class="main" aria-disabled={busy} disabled={chosen.size === 0}>
          {say("start")}
        </button>
        <button type="button" aria-disabled={busy} onClick={back}>
          {say("back")}
        </button>
      </div>
    </form>
  );
}

