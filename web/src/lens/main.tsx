import { render } from "preact";
import { beginAs, resume } from "../auth";
import { authorize, ready, start } from "./store";
import { language } from "./text";
import { Lens } from "./views/lens";

beginAs({ client: "posthouse-lens", path: "/lens/", scope: "account offline_access" });
document.documentElement.lang = language.value;
render(<Lens />, document.getElementById("app")!);
void resume()
  .then((found) => {
    authorize.value = found;
    if (found !== null) void start();
  })
  .catch(() => (authorize.value = null))
  .finally(() => (ready.value = true));
