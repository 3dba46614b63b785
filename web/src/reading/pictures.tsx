/** Pictures that a letter wants from elsewhere: left out and counted, or shown through the server's proxy. */

import { client, guarded } from "../store";
import type { Email } from "../jmap";
import type { Remote } from "../safe";
import { recollect, remember } from "./remembered";
import { read } from "./texts";
import { isProven } from "./trust";

const CHUNK = 1000;

export function alwaysFrom(email: Email): boolean {
  const sender = email.from?.[0]?.email.toLowerCase();
  // Whoever only says to be that sender learns nothing.
  return Boolean(sender) && recollect(nameFor(sender!)) === true && isProven(email);
}

function nameFor(sender: string): string {
  return `pictures:${encodeURIComponent(sender).slice(0, 200)}`;
}

/** Puts the addresses of the proxy in; how many there were that it does not fetch. */
export async function showRemote(remote: Remote[], failed: () => void): Promise<void> {
  const wanted = remote.filter((one) => one.kind !== "pixel");
  const urls = [...new Set(wanted.map((one) => one.url))];
  for (let at = 0; at < urls.length; at += CHUNK) {
    const found = await client.value!.call([["Picture/sign", { urls: urls.slice(at, at + CHUNK) }, "s"]]);
    const paths = found["s"].paths as Record<string, string>;
    for (const one of wanted) {
      const path = paths[one.url];
      if (path === undefined) continue;
      if (one.kind === "background") one.node.style.backgroundImage = `url("${path}")`;
      else {
        one.node.addEventListener("error", failed, { once: true });
        (one.node as HTMLImageElement).src = path;
      }
    }
  }
}

interface Props {
  email: Email;
  images: number;
  pixels: number;
  failed: number;
  shown: boolean;
  show: () => void;
}

export function PictureBar({ email, images, pixels, failed, shown, show }: Props) {
  if (images + pixels === 0) return null;
  const sender = email.from?.[0]?.email.toLowerCase() ?? "";
  const always = alwaysFrom(email);
  const keep = (value: true | undefined) => void guarded(() => remember(client.value!, nameFor(sender), value));
  return (
    <div class="hint pictures" role="note">
      <p>
        {images > 0 && (shown ? read("pic.shown") : read("pic.blocked", { count: images }))}{" "}
        {failed > 0 && read("pic.failed", { count: failed })}{" "}
        {pixels > 0 && <strong>{read("pic.pixels", { count: pixels })}</strong>}
      </p>
      {images > 0 && !shown && <button onClick={show}>{read("pic.show")}</button>}
      {images > 0 && sender && !always && isProven(email) && (
        <button
          class="plain"
          onClick={() => {
            keep(true);
            show();
          }}
        >
          {read("pic.always", { sender })}
        </button>
      )}
      {always && sender && (
        <button class="plain" onClick={() => keep(undefined)}>
          {read("pic.never", { sender })}
        </button>
      )}
    </div>
  );
}
