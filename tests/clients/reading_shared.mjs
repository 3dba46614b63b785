/** The mail of somebody who shares it: `node reading_shared.mjs CHROMIUM URL ADDRESS PASSWORD OTHER PICTURES`. */

import { launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password, other, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
found.own = await page.locator(".folders .write").count();
await page.waitForSelector(".accounts");
found.accounts = await page.locator(".accounts option").allTextContents();
await page.selectOption(".accounts", { index: 1 });
await page.waitForSelector(".row:has-text('for the team')");
found.folders = await page.locator(".folders .folder[title]").count();
found.write = await page.locator(".folders .write").count();
await openLetter(page, "for the team");
await page.waitForSelector(".letter .plain-text");
await look(page, found, pictures, "shared");
found.notices = await page.locator(".notice").count();
await page.selectOption(".accounts", { index: 0 });
await page.waitForSelector(".folders .write");
console.log(JSON.stringify(found));
await browser.close();
