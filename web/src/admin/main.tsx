import { render } from "preact";
import { beginAs, leave, resume, signedOut } from "../auth";
import { Admin } from "./app";
import { come, ready } from "./state";
import { language } from "./text";

beginAs({ client: "posthouse-admin", path: "/admin/", scope: "admin account offline_access", forgetful: true });
document.documentElement.lang = language.value;
render(<Admin />, document.getElementById("app")!);

async function start(): Promise<void> {
  const refused = new URLSearchParams(location.search).has("error");
  const authorize = await resume();
  if (authorize !== null) return come(authorize);
  // The tokens of before a reload are gone; a browser that is signed in gets new ones without being asked.
  if (!refused && !signedOut() && (await leave(language.value))) return new Promise(() => undefined);
}

void start()
  .catch(() => undefined)
  .finally(() => (ready.value = true));
