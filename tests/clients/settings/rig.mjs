/**
 * What the scripts of the settings pages share: `node SCRIPT CHROMIUM URL ADDRESS PASSWORD PICTURES [MORE...]`.
 *
 * A script drives the pages and ends with `done(found)`, which prints what was seen as one JSON document.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { TIMEOUT_MS, overhear } from "../browser.mjs";

export const [executablePath, url, address, password, pictures, ...more] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
export const DESKTOP = { width: 1280, height: 860 };
export const PHONE = { width: 390, height: 800 };
const seen = { axe: {}, wide: [], console: [], requests: [] };

export const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

// What the windows looked like when a script failed.
process.on("uncaughtException", async (error) => {
  const pages = browser.contexts().flatMap((context) => context.pages());
  await Promise.all(pages.map((page, at) => page.screenshot({ path: join(pictures, `failed-${at}.png`) }).catch(() => null)));
  console.error(error, seen);
  process.exit(1);
});

/** A window of its own, signed in, at a path of the webmail. */
export async function open(path, { size = DESKTOP, locale = "zh-CN", colorScheme = "light", storageState } = {}) {
  const context = await browser.newContext({ viewport: size, locale, colorScheme, storageState });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  overhear(page, seen.console);
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) seen.requests.push(request.url());
  });
  await page.goto(`${url}${path}`);
  await page.click("button.main");
  if (storageState === undefined) {
    await page.fill("[name=address]", address);
    await page.fill("[name=password]", password);
    await page.keyboard.press("Enter");
  }
  await page.waitForSelector(".mail");
  return page;
}

/** Calls of JMAP, as another program of a person makes them; the arguments of the answers. */
export const jmap = (...calls) => jmapOf(address, ...calls);

export async function jmapOf(who, ...calls) {
  const headers = { authorization: `Basic ${Buffer.from(`${who}:${password}`).toString("base64")}`, "content-type": "application/json" };
  const session = await (await fetch(`${url}/jmap/session`, { headers })).json();
  const [accountId] = Object.keys(session.accounts);
  const named = (args) => (args.of ? { accountId: Object.keys(session.accounts).find((id) => session.accounts[id].name === args.of), ...args, of: undefined } : args);
  const methodCalls = calls.map(([name, args], at) => [name, { accountId, ...named(args) }, String(at)]);
  const body = JSON.stringify({ using: Object.keys(session.capabilities), methodCalls });
  const answer = await (await fetch(session.apiUrl, { method: "POST", headers, body })).json();
  return answer.methodResponses.map(([, args]) => args);
}

/** A letter in the inbox; `of`: that of another account. */
export async function letter(subject, { from = "wang@example.org", text = "见信如面。", header = {}, of } = {}) {
  const [boxes] = await jmap(["Mailbox/get", { ids: null, of }]);
  const inbox = boxes.list.find((one) => one.role === "inbox").id;
  const one = {
    mailboxIds: { [inbox]: true },
    from: [{ name: null, email: from }],
    to: [{ name: null, email: address }],
    subject,
    bodyStructure: { type: "text/plain", partId: "1" },
    bodyValues: { 1: { value: text } },
    ...Object.fromEntries(Object.entries(header).map(([name, value]) => [`header:${name}:asText`, value])),
  };
  const [made] = await jmap(["Email/set", { create: { one }, of }]);
  return made.created.one.id;
}

const sessions = new Map();

/** One for each window: when any of them is detached, Chromium ends the virtual authenticators of all. */
export async function cdp(page) {
  if (!sessions.has(page)) sessions.set(page, await page.context().newCDPSession(page));
  return sessions.get(page);
}

/** A picture, faults that axe finds, and whether the page is wider than the screen. */
export async function look(page, name) {
  await page.screenshot({ path: join(pictures, `${name}.png`) });
  const session = await cdp(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await session.send("Runtime.evaluate", { expression: axe, contextId: world.executionContextId });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { iframes: false }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' '))))",
    contextId: world.executionContextId,
    awaitPromise: true,
  });
  seen.axe[name] = JSON.parse(result.value);
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) seen.wide.push(name);
}

export async function done(found) {
  console.log(JSON.stringify({ ...seen, ...found }));
  await browser.close();
}
