/** Letters that are too much: `node reading_big.mjs CHROMIUM URL ADDRESS PASSWORD`; how long, how many, whether the page stayed alive. */

import { frameOf, frameWith, launch, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
await page.evaluate(() => {
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.duration))).observe({ entryTypes: ["longtask"] });
});
const longest = () => page.evaluate(() => Math.round(Math.max(0, ...window.tasks.splice(0))));

await openLetter(page, "thousand parts");
await page.waitForSelector(".attached");
found.parts = await page.textContent(".attached h2");
found.listed = await page.locator(".attached .files > li").count();
found.parts_ms = await longest();
await page.click(".attached > button");
await page.waitForFunction(() => document.querySelectorAll(".attached .files > li").length === 1000);

await openLetter(page, "endless");
await page.waitForSelector("button:has-text('Show all of it')");
await page.waitForTimeout(300);
found.cut = await (await frameOf(page)).evaluate(() => document.body.textContent.length);
found.cut_ms = await longest();
await page.evaluate(() => {
  window.ticks = 0;
  setInterval(() => (window.ticks += 1), 5);
});
await page.click("button:has-text('Show all of it')");
const done = Date.now();
await frameWith(page, "THE END", 120_000);
found.whole_s = (Date.now() - done) / 1000;
found.ticks = await page.evaluate(() => window.ticks);
found.whole_ms = await longest();
found.ran = await (await frameOf(page)).evaluate(() => document.body.querySelectorAll("script, [onerror], form, style").length);
/** Sheets of the letter, how many of them are laid out, and elements of the largest after the first. */
Object.assign(found, await (await frameOf(page)).evaluate(() => {
  const sheets = [...document.body.children];
  const seen = (one) => one.firstElementChild?.checkVisibility({ contentVisibilityAuto: true });
  return { sheets: sheets.length, seen: sheets.filter(seen).length, largest: Math.max(...sheets.slice(1).map((one) => one.getElementsByTagName("*").length)) };
}));

await openLetter(page, "bottomless");
const frame = await frameWith(page, "the bottom");
Object.assign(found, await frame.evaluate(() => {
  const all = [...document.body.querySelectorAll("*")];
  const depth = (one) => (one.parentElement === document.body ? 1 : 1 + depth(one.parentElement));
  const shown = document.body.cloneNode(true);
  for (const added of shown.querySelectorAll("summary")) added.remove();
  return {
    bottom: shown.textContent.replace(/\s/g, ""), links: document.links.length, breaks: document.querySelectorAll("br").length,
    depth: Math.max(...all.map(depth)), elements: all.length,
  };
}));
found.deep_ms = await longest();

console.log(JSON.stringify(found));
await browser.close();
