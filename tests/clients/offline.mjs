/**
 * Without a connection: the app starts, what was read is read, letters wait and go once: `node offline.mjs CHROMIUM URL PASSWORD PICTURES`.
 */

import { TIMEOUT_MS, launch, look, open, openLetter, signIn } from "./browser.mjs";
import { PHONE, editor, undoFor, write } from "./writing.mjs";

const [chromium, url, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found, { locale: "zh-CN", workers: "allow" });
const context = page.context();
// The stream of changes opens late: what happened before it is told all the same.
const chosen = page.waitForResponse((one) => /Settings\/set/.test(one.request().postData() ?? ""));
await page.route("**/jmap/events*", (route) => chosen.then(() => route.continue()), { times: 1 });
await signIn(page, "zhang@qq.test", password);
await undoFor(page, 0);
await openLetter(page, "看过的信");
await page.frameLocator("iframe.body").locator("text=离线也能读").waitFor();
await write(page, ["wang@qq.test"], "先前");
await page.click(".compose [aria-label=舍弃草稿]");
await page.click(".compose .question .main");
await page.waitForSelector(".compose", { state: "detached" });
// This device may keep what was read; the app can be installed.
await page.click(".folders footer a[href='/mail/settings']");
await page.click("#offline [role=switch]");
await page.waitForFunction(() => localStorage.getItem("posthouse.offline") === "1");
await page.goBack();
await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
found.manifest = await page.evaluate(async () => (await fetch(document.querySelector("link[rel=manifest]").href)).json());
found.scope = await page.evaluate(async () => (await navigator.serviceWorker.ready).scope);
await page.reload();
await page.waitForSelector(".row:has-text('看过的信')");
await openLetter(page, "看过的信");
await page.frameLocator("iframe.body").locator("text=离线也能读").waitFor();

// The connection is gone, and the browser starts anew.
await context.setOffline(true);
await page.reload();
await page.waitForSelector(".no-network");
await openLetter(page, "看过的信");
await page.frameLocator("iframe.body").locator("text=离线也能读").waitFor();
found.read = true;
let text = await write(page, ["wang@qq.test"], "离线写的");
await text.click();
await page.keyboard.type("地铁里写的");
await page.keyboard.press("Control+Enter");
await page.waitForSelector(".no-network:has-text('1 封信等待发送')");
await look(page, found, pictures, "offline");
found.waiting = (await page.textContent(".aside .name")).trim();

// Once more without a connection, as a window of its own that nobody signed in to.
await page.close();
const later = await context.newPage();
later.setDefaultTimeout(TIMEOUT_MS);
await later.goto(`${url}/mail/`);
await later.waitForSelector(".no-network:has-text('1 封信等待发送')");
await later.waitForSelector(".row:has-text('看过的信')");

// It is back, but the answer to the first attempt gets lost: the letter goes once all the same.
let lost = 0;
await later.route("**/jmap/api", async (route) => {
  if (/EmailSubmission\/set/.test(route.request().postData() ?? "") && lost++ === 0) {
    await route.fetch();
    // Long enough that the server's news of it, which say that the draft is none any more, are here first.
    await later.waitForTimeout(1500);
    return route.abort();
  }
  return route.continue();
});
await context.setOffline(false);
await later.waitForSelector("dialog.again[open]");
const popup = context.waitForEvent("page");
await later.click("dialog.again .main");
const other = await popup;
await Promise.race([other.waitForEvent("close"), other.waitForSelector("[name=password]").then(() => other.fill("[name=password]", password)).then(() => other.keyboard.press("Enter")).catch(() => undefined)]);
await later.waitForSelector("dialog.again", { state: "detached" });
await later.waitForFunction(() => !document.querySelector(".aside") && !document.querySelector(".compose") && !document.querySelector(".no-network"), undefined, { timeout: 100_000 });
found.lost = lost;

// Whoever signs out leaves nothing, nor does an answer that comes after that.
let held;
let release;
const isHeld = new Promise((resolve) => (held = resolve));
const released = new Promise((resolve) => (release = resolve));
await later.route("**/jmap/api", async (route) => {
  const response = await route.fetch();
  held();
  await released;
  await route.fulfill({ response }).catch(() => undefined);
});
await later.click(".folder:has-text('已发送')");
await isHeld;
await later.click(".folders footer button:has-text('退出')");
await later.waitForSelector(".signin");
const answered = later.waitForEvent("requestfinished", (request) => request.url().endsWith("/jmap/api"));
release();
await answered;
await later.waitForTimeout(300); // it would be kept by then
found.left = await later.evaluate(
  () =>
    new Promise((resolve) => {
      const request = indexedDB.open("posthouse-offline");
      request.onsuccess = () => {
        const count = request.result.transaction("answers").objectStore("answers").count();
        count.onsuccess = () => resolve(count.result);
      };
    }),
);

const wang = await open(browser, url, found, { size: PHONE, locale: "en" });
await signIn(wang, "wang@qq.test", password);
await wang.waitForSelector(".row:has-text('离线写的')");
await wang.waitForTimeout(500);
found.arrived = await wang.locator(".row:has-text('离线写的')").count();

console.log(JSON.stringify(found));
await browser.close();
