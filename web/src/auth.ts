/**
 * Who is asked for a token, and the token: the node's own authorization server by code and PKCE (RFC 6749 §4.1, RFC 7636), so that
 * two-step sign-in and passkeys are the same here as everywhere; a password for each request where there is none.
 */

import { signal } from "@preact/signals";
import { JmapError } from "./jmap";
import { kept } from "./offline";
import { navigate } from "./route";

/** One of our pages as the authorization server knows it (`services/oauth/clients.py`). */
export interface Page {
  client: string;
  path: string;
  scope: string;
  /** The tokens stay in memory: a reload asks the authorization server again, where the browser is still signed in. */
  forgetful?: boolean;
}

let page: Page = { client: "posthouse-webmail", path: "/mail/", scope: "jmap account offline_access" };
let KEPT = "posthouse.grant";
let ASKED = "posthouse.asked";
let LEFT = "posthouse.left";
const AGAIN = "posthouse.again";

/** Pages other than the webmail say which one they are before anything else. */
export function beginAs(other: Page): void {
  page = other;
  [KEPT, ASKED, LEFT] = [`${page.client}.grant`, `${page.client}.asked`, `${page.client}.left`];
}
const BACK = "posthouse.back";
/** Until when the browser may still be signed in at the authorization server, whose cookie no script sees. */
const VISIT = "posthouse.visit";
const VISIT_MS = 3_600_000; // `http/browser.py` LIFE_S
/** This window asked without a click, and has no answer yet. */
const TRIED = "posthouse.tried";

/** The value of the Authorization header for the next request. */
export type Authorize = () => Promise<string>;

interface Server {
  authorization_endpoint: string;
  token_endpoint: string;
  revocation_endpoint: string;
}

interface Grant {
  access: string;
  until: number; // milliseconds since the epoch
  refresh: string;
}

/** This window has done what it was opened for. */
export const over = signal(false);

let server: Server | null | undefined;
let grant: Grant | null = null;
let renewing: Promise<Grant> | null = null;

/** The server's description, null when it signs nobody in by itself or is meant for another name than this page has. */
async function discover(): Promise<Server | null> {
  if (server !== undefined) return server;
  const response = await fetch("/.well-known/oauth-authorization-server", { credentials: "omit", cache: "no-cache" }).catch(() => null);
  if (response === null) throw new JmapError("network");
  const found = response.ok ? ((await response.json()) as Server) : null;
  server = found && new URL(found.authorization_endpoint).origin === location.origin ? found : null;
  return server;
}

/** A grant of this window: kept over a reload, or brought back by the sign-in page.  Null: somebody has to sign in. */
export async function resume(): Promise<Authorize | null> {
  const answer = new URLSearchParams(location.search);
  if (answer.has("state")) history.replaceState(null, "", location.pathname);
  if (answer.has("error")) {
    // Nobody is signed in there: no window need ask again.
    localStorage.removeItem(VISIT);
    sessionStorage.removeItem(TRIED);
    navigate(sessionStorage.getItem(BACK) ?? location.pathname);
  }
  let found: Server | null;
  try {
    found = await discover();
  } catch (error) {
    // Without a connection: what this device kept can be read; who one is will be shown when the server can be asked.
    grant = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Grant | null;
    if (grant === null && !kept.value) throw error;
    return grant === null ? unproven : authorize;
  }
  if (found === null) return null;
  const asked = JSON.parse(sessionStorage.getItem(ASKED) ?? "null") as { state: string; verifier: string; again: boolean } | null;
  const code = answer.get("code");
  if (code !== null && asked !== null && answer.get("state") === asked.state) {
    sessionStorage.removeItem(ASKED);
    await exchange({ grant_type: "authorization_code", code, redirect_uri: redirect(), code_verifier: asked.verifier });
    if (!sessionStorage.getItem(TRIED)) localStorage.setItem(VISIT, String(Date.now() + VISIT_MS));
    sessionStorage.removeItem(TRIED);
    if (asked.again) return handOver(asked.state);
    navigate(sessionStorage.getItem(BACK) ?? location.pathname);
    return authorize;
  }
  grant = JSON.parse(sessionStorage.getItem(KEPT) ?? "null") as Grant | null;
  return grant === null ? null : authorize;
}

/** This window was opened to sign in once more: what it got is for the one that is waiting. */
function handOver(state: string): null {
  const channel = new BroadcastChannel(AGAIN);
  channel.postMessage({ state, grant });
  grant = null;
  sessionStorage.removeItem(KEPT);
  close();
  over.value = true; // where the browser does not let it close itself
  return null;
}

/**
 * Sign in once more in a window of its own, while this one stays as it is.  False: there is no sign-in page, or the browser lets no
 * window open.
 */
export async function again(language: string, signal: AbortSignal): Promise<Authorize | false> {
  const found = await discover();
  if (found === null) return false;
  const { url, state } = await request(found, language, true);
  // The new window starts with a copy of what this one remembers: that is how it knows what it was opened for.
  const other = open(url, "_blank", "popup,width=480,height=720");
  sessionStorage.removeItem(ASKED);
  if (other === null) return false;
  const channel = new BroadcastChannel(AGAIN);
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      channel.close();
      resolve(false);
    });
    channel.onmessage = (event: MessageEvent<{ state: string; grant: Grant }>) => {
      if (event.data.state !== state) return;
      channel.close();
      grant = event.data.grant;
      sessionStorage.setItem(KEPT, JSON.stringify(grant));
      resolve(authorize);
    };
  });
}

/** Go to the sign-in page; false when there is none. */
export async function leave(language: string, prompt = ""): Promise<boolean> {
  const found = await discover();
  if (found === null) return false;
  sessionStorage.setItem(BACK, location.pathname + location.hash);
  if (!prompt) sessionStorage.removeItem(TRIED);
  location.assign((await request(found, language, false, prompt)).url);
  return true;
}

/**
 * A new window of a browser in which somebody signed in within the hour goes in without a click, as it would with one; the authorization
 * server says whether it may (OpenID Connect Core §3.1.2.1, prompt=none), and shows no page.  True: this one is being left.
 */
export async function slipIn(language: string): Promise<boolean> {
  if (over.value || signedOut() || sessionStorage.getItem(TRIED) || !(Number(localStorage.getItem(VISIT)) > Date.now())) return false;
  sessionStorage.setItem(TRIED, "1");
  return leave(language, "none");
}

async function request(found: Server, language: string, again = false, prompt = ""): Promise<{ url: string; state: string }> {
  const state = random();
  const verifier = random();
  sessionStorage.setItem(ASKED, JSON.stringify({ state, verifier, again }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const wanted = {
    response_type: "code",
    client_id: page.client,
    redirect_uri: redirect(),
    scope: page.scope,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ui_locales: language,
    // Whoever signed out means it: the browser's cookie does not sign in again by itself.
    ...(sessionStorage.getItem(LEFT) ? { prompt: "login" } : prompt ? { prompt } : {}),
  };
  sessionStorage.removeItem(LEFT);
  return { url: `${found.authorization_endpoint}?${new URLSearchParams(wanted)}`, state };
}

/** Forget the grant, here and on the server.  `left`: the person signed out. */
export function forget(left: boolean): void {
  if (left) {
    sessionStorage.setItem(LEFT, "1");
    localStorage.removeItem(VISIT);
  }
  const gone = grant;
  grant = null;
  sessionStorage.removeItem(KEPT);
  if (gone && server) {
    const body = new URLSearchParams({ token: gone.refresh, client_id: page.client });
    // With the cookie of the sign-in page, which ends with it: whoever sits here next is asked for a password.
    const credentials = left ? "same-origin" : "omit";
    void fetch(server.revocation_endpoint, { method: "POST", body, credentials, keepalive: true }).catch(() => null);
  }
}

/** Nobody signed in yet: nothing is asked of the server until somebody does. */
const unproven: Authorize = async () => {
  if (grant !== null) return authorize();
  await discover(); // still no connection
  throw new JmapError("signin");
};

const authorize: Authorize = async () => {
  if (grant === null) throw new JmapError("signin");
  if (Date.now() > grant.until - 60_000) {
    renewing ??= exchange({ grant_type: "refresh_token", refresh_token: grant.refresh }).finally(() => (renewing = null));
    await renewing;
  }
  return `Bearer ${grant.access}`;
};

async function exchange(values: Record<string, string>): Promise<Grant> {
  if ((await discover()) === null) throw new JmapError("signin");
  const body = new URLSearchParams({ ...values, client_id: page.client });
  const response = await fetch(server!.token_endpoint, { method: "POST", body, credentials: "omit" }).catch(() => null);
  if (response === null || response.status >= 500) throw new JmapError("network");
  const found = (await response.json()) as { access_token?: string; refresh_token?: string; expires_in?: number };
  if (!response.ok || !found.access_token) {
    forget(false);
    throw new JmapError("signin");
  }
  grant = {
    access: found.access_token,
    until: Date.now() + (found.expires_in ?? 300) * 1000,
    refresh: found.refresh_token ?? grant?.refresh ?? "",
  };
  if (!page.forgetful) sessionStorage.setItem(KEPT, JSON.stringify(grant));
  return grant;
}

/** Whether the person signed out in this window, and is not to be signed in unasked. */
export function signedOut(): boolean {
  return sessionStorage.getItem(LEFT) !== null;
}

/** Where there is no authorization server: the password goes with each request, and is kept nowhere. */
export function withPassword(address: string, password: string): Authorize {
  const bytes = new TextEncoder().encode(`${address}:${password}`);
  const header = `Basic ${btoa(String.fromCharCode(...bytes))}`;
  return () => Promise.resolve(header);
}

function redirect(): string {
  return `${location.origin}${page.path}`;
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
