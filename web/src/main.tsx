import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./views/app";
import "./reading/title";
import { resume, slipIn } from "./auth";
import { pouring } from "./reading/body";
import { spare } from "./reading/frames";
import { recall } from "./preferences";
import { register } from "./offline";
import { client, guarded, start } from "./store";
import { language } from "./text";
import { ready } from "./views/signin";

/** What letters need comes after the first screen. */
const SOON_MS = 200;

recall();
document.documentElement.lang = language.value;
render(<App />, document.getElementById("app")!);
let leaving = false;
void guarded(async () => {
  const authorize = await resume();
  if (authorize !== null) await start(authorize);
  else leaving = await slipIn(language.value);
}).finally(() => (ready.value = !leaving));
effect(() => {
  if (client.value === null) return;
  setTimeout(() => {
    spare();
    void pouring().catch(() => undefined);
  }, SOON_MS);
});
register();
