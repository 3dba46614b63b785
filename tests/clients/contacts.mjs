/** The contacts page: `node contacts.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES VCARDS`. */

import { readFileSync } from "node:fs";
import { launch, look, open, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures, vcards] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
const people = () => page.locator(".person .what > span").allTextContents();
const card = (name) => page.waitForSelector(`.contact h1:has-text("${name}")`);

await page.click(".folders a[href='/mail/contacts']");
await page.waitForSelector(".contacts [role=status]:not(:empty)");
found.empty = await page.locator(".contacts [role=status]").textContent();

// A file of vCards is taken in.
await page.setInputFiles(".contacts input[type=file]", vcards);
await page.waitForSelector(".notice:has-text('were imported')");
await page.waitForSelector(".person >> nth=2");
found.imported = (await people()).sort();

// Somebody is added, found by initials, changed.
await page.click(".contacts [aria-label='Add a contact']");
await page.fill(".contact-form .field >> nth=0 >> input", "张伟");
await page.fill("[aria-label='Address 1']", "zhang@x.test");
await look(page, found, pictures, "form");
await page.click(".contact-form button.main");
await card("张伟");
for (const text of ["zw", "zhangwei", "张"]) {
  await page.fill(".contacts .search input", text);
  await page.waitForFunction(() => document.querySelectorAll(".person").length === 1);
  found[text] = await people();
}
await page.click(".contact .actions button:has-text('Edit')");
await page.fill("[aria-label='Phone 1']", "13800138000");
await page.click(".contact-form button.main");
await page.waitForSelector(".contact dd:has-text('13800138000')");
found.kept = await page.locator(".contact dd").allTextContents();
await look(page, found, pictures, "card");

// A group leads to its members, and to a letter.
await page.fill(".contacts .search input", "");
await page.click(".person:has-text('Friends')");
await page.waitForSelector(".contact dd .link >> nth=1");
found.members = await page.locator(".contact dd .link").allTextContents();
await page.click(".contact dd .link:has-text('Anna')");
await card("Anna");
await look(page, found, pictures, "photo");

// She leaves the group, and is put into one that is made on the way.
await page.click(".groups label:has-text('Friends') input");
await page.waitForFunction(() => !document.querySelector(".groups label input").checked);
await page.fill("[aria-label='Name of a new group']", "Colleagues");
await page.click(".groups button");
await page.waitForSelector(".person:has-text('Colleagues')");
await page.waitForSelector(".groups label:has-text('Colleagues') input:checked");
await page.click(".person:has-text('Friends')");
await page.waitForFunction(() => document.querySelectorAll(".contact dd .link").length === 1);
await page.click(".person:has-text('Anna')");
await card("Anna");

// All of it is given out.
const [download] = await Promise.all([page.waitForEvent("download"), page.click(".contacts button:has-text('Export')")]);
found.exported = readFileSync(await download.path(), "utf8").match(/^BEGIN:VCARD/gm).length;

await page.click(".contact .actions button:has-text('Delete')");
await page.waitForSelector(".notice:has-text('Anna')");
await page.waitForFunction(() => ![...document.querySelectorAll('.person')].some((one) => one.textContent.includes('Anna')));

// On a phone, in the dark, in Chinese.
const phone = await open(browser, url, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(phone, address, password);
await phone.click("[aria-label='打开文件夹列表']");
await phone.click(".folders a[href='/mail/contacts']");
await phone.waitForSelector(".person");
await look(phone, found, pictures, "phone");
await phone.click(".person:has-text('张伟')");
await phone.waitForSelector(".contact dd");
found.wide = await phone.evaluate(() => document.documentElement.scrollWidth);
await look(phone, found, pictures, "phone-card");

await browser.close();
console.log(JSON.stringify(found));
