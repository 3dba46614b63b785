import { leave as signIn } from "../../auth";
import { Icon } from "../../views/icon";
import { access, authorize, chosen, fault, go, leave, ready, tab } from "../store";
import { choose, language, say } from "../text";
import { DialogueList } from "./list";
import { Opened } from "./opened";
import { Practice } from "./practice";

export function Lens() {
  if (!ready.value) return <p class="empty">{say("loading")}</p>;
  if (authorize.value === null) return <Welcome />;
  return (
    <div class={`lens${chosen.value ? " opened" : ""}`}>
      <header class="top">
        <a class="brand" href="/lens/" onClick={(event) => (event.preventDefault(), go(""))}>
          <Icon name="search" /> {say("title")}
        </a>
        <nav aria-label={say("title")}>
          <Tab name="dialogues" place="" />
          <Tab name="practice" place="practice" />
        </nav>
        <span class="spring" />
        <Languages />
        <a class="button plain wide-only" href="/mail/">
          {say("mail")}
        </a>
        <button class="plain" onClick={leave}>
          {say("out")}
        </button>
      </header>
      {fault.value && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
      <Body />
    </div>
  );
}

function Body() {
  if (access.value === null) return <main class="empty">{say("loading")}</main>;
  if (tab.value === "practice") return <Practice people={access.value.practice} />;
  if (access.value.sees === "none") return <main class="empty">{say("none")}</main>;
  return (
    <main class="dialogues">
      <DialogueList />
      <Opened />
    </main>
  );
}

function Tab({ name, place }: { name: "dialogues" | "practice"; place: string }) {
  return (
    <a
      class="tab"
      href={`/lens/${place}`}
      aria-current={tab.value === name ? "page" : undefined}
      onClick={(event) => (event.preventDefault(), go(place))}
    >
      {say(`tab.${name}`)}
    </a>
  );
}

function Languages() {
  return (
    <span class="languages">
      {(["zh", "en"] as const).map((one) => (
        <button key={one} class="plain" lang={one} aria-pressed={language.value === one} onClick={() => choose(one)}>
          {one === "zh" ? "中文" : "English"}
        </button>
      ))}
    </span>
  );
}

function Welcome() {
  async function enter() {
    if (!(await signIn(language.value))) fault.value = say("signin.none");
  }
  return (
    <main class="welcome">
      <div class="card">
        <h1>
          <Icon name="search" /> {say("title")}
        </h1>
        <p>{say("about")}</p>
        <button class="main" onClick={() => void enter()}>
          {say("signin")}
        </button>
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <Languages />
      </div>
    </main>
  );
}
