import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { follow, path } from "../route";
import { Icon, type IconName } from "../views/icon";
import { Account, Accounts } from "./accounts";
import { Audit, Bans, Sessions } from "./access";
import { Domain, Domains } from "./domains";
import { Aliases, Team, Teams } from "./mail";
import { Overview } from "./overview";
import { Overlays } from "./parts";
import { Letter, Queue } from "./queue";
import { Settings } from "./settings";
import { again, me, place, ready, refused, signIn, signOut } from "./state";
import { type Key, choose, language, say } from "./text";

const open = signal(false);

const PAGES: readonly (readonly [string, Key, IconName])[] = [
  ["", "nav.overview", "server"],
  ["domains", "nav.domains", "route"],
  ["accounts", "nav.accounts", "person"],
  ["aliases", "nav.aliases", "forward"],
  ["teams", "nav.teams", "inbox"],
  ["queue", "nav.queue", "clock"],
  ["sessions", "nav.sessions", "unlock"],
  ["bans", "nav.bans", "shield"],
  ["audit", "nav.audit", "drafts"],
  ["settings", "nav.settings", "settings"],
];

export function Admin() {
  if (!ready.value) return <p class="empty">{say("loading")}</p>;
  if (me.value === null) return <Outside />;
  return (
    <div class="admin">
      <header class="top">
        <button class="plain only-narrow" aria-expanded={open.value} aria-controls="menu" aria-label={say("menu")} onClick={() => (open.value = !open.value)}>
          <Icon name="menu" />
        </button>
        <a class="brand" href="/admin/" onClick={follow}>
          <Icon name="logo" /> {say("title")}
        </a>
        <span class="spring" />
        <Languages />
        <a class="button plain wide-only" href="/mail/">
          {say("mail")}
        </a>
        <button class="plain" onClick={signOut}>
          {say("out")}
        </button>
      </header>
      <Menu />
      <Body />
      <Overlays />
    </div>
  );
}

function Menu() {
  const [here = ""] = place();
  const { address, domains, server } = me.value!;
  return (
    <nav id="menu" class={`side${open.value ? " open" : ""}`} aria-label={say("title")}>
      <ul>
        {PAGES.map(([name, key, icon]) => (
          <li key={name}>
            <a
              href={`/admin/${name}`}
              aria-current={here === name ? "page" : undefined}
              onClick={(event) => {
                open.value = false;
                follow(event);
              }}
            >
              <Icon name={icon} /> {say(key)}
            </a>
          </li>
        ))}
      </ul>
      <p class="who">
        <strong>{address}</strong>
        <br />
        {server ? say("role") : say("role.domains", { domains: domains.join(", ") })}
      </p>
    </nav>
  );
}

function Body() {
  const main = useRef<HTMLElement>(null);
  const [here = "", one] = place();
  useEffect(() => {
    document.title = `${say(PAGES.find(([name]) => name === here)?.[1] ?? "title")} · ${say("title")}`;
    main.current?.scrollTo(0, 0);
    main.current?.querySelector("h1")?.focus();
  }, [path.value, language.value]);
  return (
    <main ref={main} tabIndex={-1}>
      <Chosen here={here} one={one} />
    </main>
  );
}

function Chosen({ here, one }: { here: string; one: string | undefined }) {
  switch (here) {
    case "domains":
      return one ? <Domain key={one} name={one} /> : <Domains />;
    case "accounts":
      return one ? <Account key={one} address={one} /> : <Accounts />;
    case "aliases":
      return <Aliases />;
    case "teams":
      return one ? <Team key={one} address={one} /> : <Teams />;
    case "queue":
      return one ? <Letter key={one} id={one} /> : <Queue />;
    case "sessions":
      return <Sessions />;
    case "bans":
      return <Bans />;
    case "audit":
      return <Audit />;
    case "settings":
      return <Settings />;
  }
  return <Overview />;
}

/** Nobody has signed in, or who did may not be here. */
function Outside() {
  const why = refused.value;
  return (
    <main class="signin">
      <div class="card">
        <h1>
          <Icon name="logo" /> {why ? why.title || say("title") : say("signin.title")}
        </h1>
        {why && <p role="alert">{why.detail || say("error.network")}</p>}
        {why ? (
          <div class="pair">
            <button onClick={() => void again()}>{say("again")}</button>
            <button onClick={signOut}>{say("out")}</button>
          </div>
        ) : (
          <button class="main" autofocus onClick={signIn}>
            {say("signin")}
          </button>
        )}
        <Languages />
      </div>
    </main>
  );
}

function Languages() {
  return (
    <span class="languages">
      {(["zh", "en"] as const).map((one) => (
        <button key={one} class="plain" lang={one} aria-pressed={language.value === one} onClick={() => choose(one)}>
          {one === "zh" ? "中文" : "EN"}
        </button>
      ))}
    </span>
  );
}
