/**
 * The lens in a browser: `node lens.mjs CHROMIUM URL PASSWORD PICTURES`.
 *
 * A practice letter goes from zhang to li through two houses; its dialogues are looked at, exported, read in both languages.
 */

import { readFileSync } from "node:fs";
import { launch, look, open } from "./browser.mjs";

const [executablePath, url, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(executablePath);

async function enter(options) {
  const page = await open(browser, url, found, options);
  await page.goto(`${url}/lens/`);
  await page.click("button.main");
  await page.fill("[name=address]", "zhang@qq.test");
  await page.fill("[name=password]", password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".lens .top");
  return page;
}

const page = await enter({ size: { width: 1280, height: 860 }, locale: "zh-CN" });
await page.waitForSelector(".row .badge");
await page.click('.tab[href="/lens/practice"]');
await page.waitForSelector("form.card");
await look(page, found, pictures, "lens-form");
await page.click("form .main");
await page.waitForSelector(".step.done:nth-child(5)");
found.states = await page.$$eval(".step", (all) => all.map((one) => one.className));
found.stages = {};
for (const name of ["compose", "submit", "relay", "store", "fetch"]) {
  await page.click(`#tab-${name}`);
  if (!["compose", "store"].includes(name)) await page.waitForSelector("#stage .said");
  found.stages[name] = await page.textContent("#stage");
  await look(page, found, pictures, `lens-${name}`);
}

// A dialogue by the keyboard alone, then as text.
await page.click('.tab[href="/lens/"]');
await page.focus('.row:has(.badge.imap)');
await page.keyboard.press("Enter");
await page.waitForSelector(".ladder .said");
await look(page, found, pictures, "lens-imap");
const [download] = await Promise.all([page.waitForEvent("download"), page.click(".tools button:last-child")]);
found.text = readFileSync(await download.path(), "utf8");
await page.click('.languages [lang="en"]');
await page.waitForFunction(() => document.querySelector(".meaning")?.textContent.match(/[a-z]/));
found.english = await page.textContent(".ladder");
found.address = page.url();

// What is chosen stays chosen over a reload; errors are marked.
await page.reload();
await page.waitForSelector(".ladder .said");
found.reloaded = page.url();

const phone = await enter({ size: { width: 390, height: 800 }, locale: "en", dark: true });
await phone.waitForSelector(".row");
await look(phone, found, pictures, "lens-phone-list");
await phone.click(".row:has(.badge.smtp)");
await phone.waitForSelector(".ladder .said");
await look(phone, found, pictures, "lens-phone");
found.scrolls = await phone.evaluate(() => document.documentElement.scrollWidth > innerWidth);
await phone.click(".only-narrow");
await phone.waitForSelector(".row");

await browser.close();
console.log(JSON.stringify(found));
