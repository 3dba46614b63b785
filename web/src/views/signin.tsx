import { signal } from "@preact/signals";
import { JmapError } from "../jmap";
import { leave, over, withPassword } from "../auth";
import { explain, start } from "../store";
import { language, say, setLanguage } from "../text";
import { Icon } from "./icon";

/** It is known whether somebody is signed in already. */
export const ready = signal(false);

const byPassword = signal(false);
const busy = signal(false);
const fault = signal("");

async function submit(event: SubmitEvent): Promise<void> {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  busy.value = true;
  fault.value = "";
  try {
    await start(withPassword(String(form.get("address")).trim(), String(form.get("password"))));
  } catch (error) {
    const wrong = error instanceof JmapError && error.kind === "signin";
    fault.value = wrong ? say("signin.failed") : explain(error);
  } finally {
    busy.value = false;
  }
}

export function SignIn() {
  if (over.value) {
    return (
      <main class="signin">
        <p class="card">{say("signin.over")}</p>
      </main>
    );
  }
  if (!ready.value) return <main class="signin" aria-busy="true" />;
  if (!byPassword.value) {
    return (
      <main class="signin">
        <div class="card">
          <h1>
            <Icon name="logo" /> {say("signin.title")}
          </h1>
          <button class="main" autofocus onClick={() => void leave(language.value).then((gone) => (byPassword.value = !gone))}>
            {say("signin.button")}
          </button>
          <p class="languages">
            <LanguageButtons />
          </p>
        </div>
      </main>
    );
  }
  return (
    <main class="signin">
      <form class="card" onSubmit={(event) => void submit(event as unknown as SubmitEvent)}>
        <h1>
          <Icon name="logo" /> {say("signin.title")}
        </h1>
        <label>
          {say("signin.address")}
          <input name="address" type="email" autocomplete="username" required autofocus />
        </label>
        <label>
          {say("signin.password")}
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <button class="main" disabled={busy.value}>
          {say("signin.button")}
        </button>
        <p class="languages">
          <LanguageButtons />
        </p>
      </form>
    </main>
  );
}

export function LanguageButtons() {
  return (
    <>
      <button type="button" class="plain" lang="zh" aria-pressed={language.value === "zh"} onClick={() => setLanguage("zh")}>
        中文
      </button>
      <button type="button" class="plain" lang="en" aria-pressed={language.value === "en"} onClick={() => setLanguage("en")}>
        English
      </button>
    </>
  );
}
