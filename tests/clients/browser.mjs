/** What the scripts that drive the webmail share: a browser, windows that note what goes wrong, axe, signing in. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function launch(executablePath) {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/** Enough for a machine that has other work. */
export const TIMEOUT_MS = 45_000;

/** What this tool says of itself, and what Chromium says when somebody clicks before a dialog puts the focus. */
const ORDINARY = /blocked by Playwright|^Autofocus processing was blocked/;

/** `log` gets what the console of a page says, and what goes wrong there. */
export function overhear(page, log, passed = () => false) {
  page.on("console", (message) => ORDINARY.test(message.text()) || passed(message.text()) || log.push(message.text()));
  page.on("pageerror", (error) => log.push(String(error)));
}

/** A window of its own; `found.console` gets what its log says, `found.requests` what it asks of other hosts. */
export async function open(browser, url, found, { size = { width: 1280, height: 860 }, locale = "en", dark = false, workers = "block" } = {}) {
  const context = await browser.newContext({ viewport: size, locale, colorScheme: dark ? "dark" : "light", ignoreHTTPSErrors: true, serviceWorkers: workers });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  found.console ??= [];
  found.requests ??= [];
  overhear(page, found.console);
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob|about|chrome|chrome-extension):/.test(request.url())) found.requests.push(request.url());
  });
  await page.goto(`${url}/mail/`);
  return page;
}

export async function signIn(page, address, password) {
  await page.click("button.main");
  await page.fill("[name=address]", address);
  await page.fill("[name=password]", password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".list h1:not(:empty)");
}

/** Faults that axe finds, and a picture; its script is put in from outside, past the policy of the page. */
export async function look(page, found, pictures, name) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await session.send("Runtime.evaluate", { expression: AXE, contextId: executionContextId });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { iframes: false }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' '))))",
    contextId: executionContextId,
    awaitPromise: true,
  });
  found.axe ??= {};
  found.axe[name] = JSON.parse(result.value);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

export async function openLetter(page, subject) {
  await page.click(`.row:has-text("${subject}")`);
  await page.waitForFunction((text) => document.querySelector(".reader .title")?.textContent.includes(text), subject);
}

/** The page of the letter that is shown, the last of a conversation; frames are kept for the next, so not every frame is one. */
export async function frameOf(page) {
  for (;;) {
    const frame = await (await page.locator(".letter iframe.body").last().elementHandle()).contentFrame();
    if (frame !== null) return frame; // else it was just taken away for another
  }
}

/** That page, once `holds` is true there; asked from here again and again, as no clock runs in a frame without scripts. */
export async function frameThat(page, holds, argument, most = TIMEOUT_MS) {
  for (const begun = Date.now(); Date.now() - begun < most; await page.waitForTimeout(100)) {
    const frame = await frameOf(page);
    if (await frame.evaluate(holds, argument).catch(() => false)) return frame;
  }
  throw new Error(`the page of the letter is never so: ${holds} ${argument ?? ""}`);
}

const shows = (text) => document.body.textContent.includes(text);
export const frameWith = (page, text, most) => frameThat(page, shows, text, most);

/**
 * One step of a script: its time in ms.  What is not done within so many seconds ends the script with the name of the step and with what
 * the page shows, so that nobody has to guess what was waited for.
 */
export async function bounded(page, name, seconds, work) {
  const begun = performance.now();
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`not done in ${seconds} s`)), seconds * 1000)));
  try {
    await Promise.race([work(), late]);
    return performance.now() - begun;
  } catch (error) {
    throw new Error(`${name}: ${error.message}\n${await state(page)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** What somebody in front of the page would see. */
async function state(page) {
  const shown = page.evaluate(() => {
    const text = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent.trim().slice(0, 200)).filter(Boolean);
    return {
      url: location.href, list: text(".list h1"), empty: text(".list :is(.empty, .nothing)"), rows: document.querySelectorAll(".row:not(.waiting)").length, title: text(".reader .title"),
      notice: text(".notice"), fault: text(".compose .fault"), question: text(".compose .question"), chips: text(".compose .chip"), aside: text(".aside li"), offline: text(".no-network"), dialog: text("dialog[open]"),
      fields: [...document.querySelectorAll(".compose input")].map((one) => one.value), focus: document.activeElement?.outerHTML.slice(0, 200),
    };
  });
  const late = new Promise((resolve) => setTimeout(resolve, 5000, "the page does not answer"));
  return JSON.stringify(await Promise.race([shown.catch(String), late]), null, 1);
}
