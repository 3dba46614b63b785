/**
 * Letters that are too much: `node bench_huge.mjs CHROMIUM URL ADDRESS PASSWORD [SUBJECT]`; for each in the folder Huge the longest block of
 * the page's thread while it is opened and read (`open_ms`), and while all of it is shown (`all_ms`, done after `all_s`); one JSON document.
 */

import { bounded, launch, open, signIn } from "./browser.mjs";

const [chromium, url, address, password, only] = process.argv.slice(2);
const READ_MS = 1500;
const STEP_S = 150; // on a machine that has other work
const found = {};
const browser = await launch(chromium);
let page;
const longest = () => page.evaluate(() => Math.max(0, ...window.tasks.splice(0)));
const quiet = () => page.waitForFunction(() => document.querySelector(".letter") && !document.querySelector(".letter [aria-busy=true]"), undefined, { timeout: STEP_S * 1000 });

/** A window of its own, in the folder of the huge letters; the subjects there. */
async function begin() {
  page = await open(browser, url, {});
  await signIn(page, address, password);
  await page.evaluate(() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.duration))).observe({ entryTypes: ["longtask"] });
  });
  await page.click(".folder:has-text('Huge')");
  await page.waitForFunction(() => document.querySelector(".list h1").textContent === "Huge" && document.querySelector(".row:not(.waiting)"));
  return page.locator(".row .subject").allTextContents();
}

async function read(subject, figures) {
  await bounded(page, `open ${subject}`, STEP_S, async () => {
    await longest();
    await page.click(`.row:has-text("${subject}")`);
    await page.waitForFunction((text) => document.querySelector(".reader .title")?.textContent.includes(text), subject);
    await quiet();
    await page.mouse.move(900, 500);
    for (let n = 0; n < 10; n += 1) {
      await page.mouse.wheel(0, 600);
      await page.waitForTimeout(READ_MS / 10);
    }
  });
  figures.open_ms = await longest();
  const all = page.locator(".letter button:has-text('Show all')");
  if (await all.count()) {
    const ms = await bounded(page, `all of ${subject}`, STEP_S, async () => {
      await page.evaluate(() => (document.querySelector(".reader").scrollTop = 0));
      await all.first().click();
      await all.waitFor({ state: "detached" });
      await page.waitForTimeout(50);
      await quiet();
    });
    await page.waitForTimeout(READ_MS);
    figures.all_ms = await longest();
    figures.all_s = ms / 1000;
  }
  await page.keyboard.press("u");
  await page.waitForTimeout(300);
}

const subjects = await begin();
for (const subject of subjects.filter((one) => !only || one.includes(only))) {
  const figures = (found[subject] = { open_ms: null, all_ms: null, all_s: null, fault: "" });
  try {
    await read(subject, figures);
  } catch (error) {
    // It says so, and the others are read all the same.
    figures.fault = String(error.message).split("\n")[0];
    await page.context().close().catch(() => undefined);
    await begin();
  }
  if (process.env.PROGRESS) console.error(subject, JSON.stringify(figures));
}
console.log(JSON.stringify(found));
await browser.close();
