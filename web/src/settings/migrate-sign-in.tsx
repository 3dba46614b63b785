/** Signing in at a provider's own page: a code to type there, and waiting until that is done. */

import { useEffect, useState } from "preact/hooks";
import { Problem, api } from "../api";
import { explain } from "../store";
import { language } from "../text";
import { say } from "./migrate.text";

interface Begun {
  url: string;
  code: string;
  handle: string;
  interval: number;
  expires_in: number;
}

interface Props {
  provider: string;
  busy: boolean;
  /** Whether what else the form needs is there. */
  ready: () => boolean;
  /** Takes what stands for the password. */
  granted: (text: string) => void;
}

const SLOWER_S = 5;

export function SignInThere({ provider, busy, ready, granted }: Props) {
  const [begun, setBegun] = useState<Begun | null>(null);
  const [starting, setStarting] = useState(false);
  const [fault, setFault] = useState("");
  const begin = async () => {
    if (!ready()) return;
    setStarting(true);
    setFault("");
    try {
      setBegun(await api<Begun>("POST", "/self/migration-sign-in", { provider }));
    } catch (error) {
      setFault(told(error));
    }
    setStarting(false);
  };
  useEffect(() => {
    if (begun === null) return;
    let interval = begun.interval;
    const end = Date.now() + begun.expires_in * 1000;
    const stop = (why: string) => {
      setBegun(null);
      setFault(why);
    };
    const look = async () => {
      try {
        const found = await api<{ granted: string; slower: boolean }>("POST", "/self/migration-sign-in/poll", { handle: begun.handle });
        if (timer === 0) return;
        if (found.granted) {
          setBegun(null);
          granted(found.granted);
          return;
        }
        if (found.slower) interval += SLOWER_S;
      } catch (error) {
        if (timer === 0) return;
        if (error instanceof Problem) return stop(told(error)); // otherwise the connection is away: it comes back
      }
      if (Date.now() > end) return stop(say("signin.late"));
      timer = window.setTimeout(() => void look(), interval * 1000);
    };
    let timer = window.setTimeout(() => void look(), interval * 1000);
    return () => {
      clearTimeout(timer);
      timer = 0;
    };
  }, [begun]);
  return (
    <>
      {begun && (
        <div class="how" role="status">
          <p>{say("signin.code")}</p>
          <p class="code-there">
            <strong>{begun.code}</strong>
          </p>
          {/^https?:\/\//.test(begun.url) && (
            <a href={begun.url} target="_blank" rel="noopener noreferrer">
              {say("signin.open")}
            </a>
          )}
          <p class="about">{say("signin.waiting")}</p>
        </div>
      )}
      <p class="fault" role="alert">
        {fault}
      </p>
      <div class="actions">
        {begun ? (
          <button type="button" onClick={() => setBegun(null)}>
            {say("back")}
          </button>
        ) : (
          <button type="button" class="main" aria-disabled={busy || starting} onClick={() => void begin()}>
            {say(busy ? "connecting" : "signin")}
          </button>
        )}
      </div>
    </>
  );
}

/** What to do about it, and what the other server said. */
export function told(error: unknown): string {
  if (!(error instanceof Problem)) return explain(error);
  const { title, detail, reason } = error.document;
  return `${title}${language.value === "zh" ? "：" : ". "}${detail}${reason ? ` ${say("said", { detail: reason })}` : ""}`;
}
