/**
 * A program on this machine that signs in through the browser (RFC 8252), at a phone's width:
 * `node oauth.mjs CHROMIUM ISSUER CLIENT ADDRESS PASSWORD IMAP_PORT PICTURES IN_TWO_STEPS`, the last an address of the same password.
 *
 * It listens on a loopback port, opens the authorization page in Chromium, agrees, takes the code, gets a token, and reads
 * mail with it by imapflow.  What was seen is printed as one JSON document.
 */

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ImapFlow } from "imapflow";
import { chromium } from "playwright-core";
import { overhear } from "./browser.mjs";

const [executablePath, issuer, client, address, password, imapPort, pictures, inTwoSteps] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = { axe: {}, wide: {}, console: [] };

const verifier = randomBytes(40).toString("base64url");
const state = randomBytes(16).toString("base64url");
let arrived;
const answer = new Promise((resolve) => { arrived = resolve; });
const server = createServer((request, response) => {
  response.end("done");
  if (request.url.startsWith("/?")) arrived(new URL(request.url, "http://127.0.0.1"));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const redirect = `http://127.0.0.1:${server.address().port}/`;
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
const query = new URLSearchParams({
  response_type: "code", client_id: client, redirect_uri: redirect, scope: "imap smtp offline_access", state,
  code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
});

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
const REFUSAL = /status of 40[0-4]/; // what the browser's log says of each page that refuses something
let page = await open();

async function open(dark = false) {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "zh-CN", colorScheme: dark ? "dark" : "light" });
  const opened = await context.newPage();
  opened.setDefaultTimeout(45_000);
  overhear(opened, found.console, (text) => REFUSAL.test(text));
  return opened;
}

async function led(act) {
  await Promise.all([page.waitForNavigation(), act()]);
}

/** What axe finds, and whether anything is wider than a phone. */
async function check(name) {
  found.wide[name] = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const contextId = world.executionContextId;
  await session.send("Runtime.evaluate", { expression: axe, contextId });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document).then((r) => JSON.stringify(r.violations.map((v) => v.id)))",
    contextId, awaitPromise: true,
  });
  found.axe[name] = JSON.parse(result.value);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

await page.goto(`${metadata.authorization_endpoint}?${query}`);
await check("signin");
await page.fill("[name=address]", address);
await page.fill("[name=password]", password);
await page.keyboard.press("Enter");
await page.waitForSelector("[name=answer][value=allow]");
await check("consent");
await page.click("[name=answer][value=allow]");
const back = (await answer).searchParams;
found.state = back.get("state") === state;
found.iss = back.get("iss") === issuer;
await page.goto(`${issuer}/oauth/device?user_code=BCDF-GHJK`);
await check("device");
await led(() => page.keyboard.press("Enter"));
await check("no-code");
const device = new URLSearchParams({ client_id: "posthouse-cli", scope: "imap smtp" });
const { user_code } = await (await fetch(metadata.device_authorization_endpoint, { method: "POST", body: device })).json();
await page.fill("#user_code", user_code);
await led(() => page.keyboard.press("Enter"));
await check("confirm");
await led(() => page.click("[value=deny]"));
await check("refused");
await page.goto(`${issuer}/auth/device?t=x`);
await check("late");

page = await open(true);
await page.goto(`${metadata.authorization_endpoint}?${query}`);
await page.fill("[name=address]", inTwoSteps);
await page.fill("[name=password]", "wrong");
await led(() => page.keyboard.press("Enter"));
await check("wrong");
await page.fill("[name=password]", password); // the address was kept
await led(() => page.keyboard.press("Enter"));
await page.click("summary");
await check("second");
await page.focus("#code");
await page.keyboard.type("000000");
await led(() => page.keyboard.press("Enter"));
await check("second-wrong");
await browser.close();
server.close();

const issued = await (await fetch(metadata.token_endpoint, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "authorization_code", client_id: client, code: back.get("code"), code_verifier: verifier,
    redirect_uri: redirect,
  }),
})).json();
found.scope = issued.scope;
const imap = new ImapFlow({
  host: "127.0.0.1", port: Number(imapPort), secure: false, logger: false, clientInfo: { name: "flow" },
  auth: { user: address, accessToken: issued.access_token },
});
await imap.connect();
found.folders = (await imap.list()).map((folder) => folder.path);
await imap.logout();
process.stdout.write(JSON.stringify(found) + "\n");
