/**
 * Reads letters that attack their reader: `node hostile.mjs CHROMIUM URL ADDRESS PASSWORD COUNT`.
 *
 * Prints one JSON document: what the console said of scripts that ran, requests that left, how long the slowest letter took to show, and which blocked the page's thread for more than 100 ms.
 */

import { frameOf, launch } from "./browser.mjs";

const [executablePath, url, address, password, count] = process.argv.slice(2);
const found = { ran: [], requests: [], navigated: [], slow_ms: 0, blocked_ms: {}, frames: 0, shown: 0, text: [], warned: 0, schemes: [] };

const browser = await launch(executablePath);
const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, locale: "en" });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
// Every payload that runs calls alert or changes the title.
page.on("dialog", (dialog) => {
  found.ran.push(dialog.message());
  void dialog.dismiss();
});
page.on("console", (message) => message.text().includes("PWNED") && found.ran.push(message.text()));
context.on("page", (other) => found.navigated.push(other.url()));
page.on("request", (request) => {
  const target = request.url();
  if (target.endsWith("/mail/frame")) found.frames += 1;
  if (!target.startsWith(url) && !/^(data|blob|about):/.test(target)) found.requests.push(target);
});

await page.goto(`${url}/mail/`);
await page.click("button.main");
await page.fill("[name=address]", address);
await page.fill("[name=password]", password);
await page.keyboard.press("Enter");
await page.waitForFunction((rows) => document.querySelectorAll(".row:not(.waiting)").length >= Math.min(rows, 8), Number(count));

await page.evaluate(() => {
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => Math.round(one.duration)))).observe({ entryTypes: ["longtask"] });
});
for (let at = 0; at < Number(count); at += 1) {
  const begun = Date.now();
  await page.keyboard.press(at ? "j" : "Enter");
  await page.waitForFunction((n) => document.querySelector(".row.current")?.id === `row-${n}`, at);
  await page.waitForSelector(".letter iframe.body, .letter .plain-text");
  await page.waitForTimeout(150);
  await page.waitForSelector(".letter iframe.body:not([aria-busy=true]), .letter .plain-text", { state: "attached" }).catch(async (error) => {
    throw new Error(`letter ${at}, ${await page.textContent(".reader .title")}: ${error.message}`);
  });
  const blocked = await page.evaluate(() => Math.max(0, ...window.tasks.splice(0)));
  if (blocked > 100) found.blocked_ms[`${at}: ${await page.textContent(".reader .title")}`] = blocked;
  found.slow_ms = Math.max(found.slow_ms, Date.now() - begun - 150);
  const frame = (await page.$(".letter iframe.body")) && (await frameOf(page));
  found.text.push(frame ? (await frame.evaluate(() => document.body.innerText).catch(() => "")).slice(0, 60) : "");
  found.shown += 1;
  // What leads somewhere, and where it says so because its text names another host.
  const links = await frame?.evaluate(() => [...document.querySelectorAll("[href]")].map((one) => ({ scheme: one.protocol, told: one.title }))).catch(() => []);
  found.schemes = [...new Set([...found.schemes, ...(links ?? []).map((one) => one.scheme)])].sort();
  if (at === 0) found.warned = links.filter((one) => one.told.startsWith("→ ")).length;
  if ((await page.title()).includes("PWNED")) found.ran.push(`title of ${at}`);
  if (!page.url().startsWith(`${url}/mail/`)) found.navigated.push(page.url());
}
console.log(JSON.stringify(found));
await browser.close();
