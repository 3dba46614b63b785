/** The contacts page: `node contacts.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES VCARDS OTHER`; the other one shares a book. */

import { readFileSync } from "node:fs";
import { launch, look, open, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures, vcards, other] = process.argv.slice(2);
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

// Somebody shares a book: it is read, copied from, and, with more rights, written to.
const sharer = await open(browser, url, found);
await signIn(sharer, other, password);
await sharer.click(".folders a[href='/mail/contacts']");
await sharer.click(".books button:has-text('New address book')");
await sharer.fill(".contact-form input", "Suppliers");
await sharer.click(".contact-form button.main");
await sharer.waitForSelector(".book h1:has-text('Suppliers')");
await sharer.fill(".invite input", "nobody@x.test");
await sharer.click(".invite button");
await sharer.waitForSelector(".book .fault:has-text('Nobody of your domain')");
await sharer.fill(".invite input", address);
await sharer.click(".invite button");
await sharer.waitForSelector(".book .things li");
found.given = [await sharer.locator(".book .things .thing small").innerText(), await sharer.locator(".book .things select").inputValue()];
await look(sharer, found, pictures, "book");
await sharer.click(".books li:has-text('Suppliers') button >> nth=0");
await sharer.click(".contacts [aria-label='Add a contact']");
await sharer.fill(".contact-form .field >> nth=0 >> input", "Printer");
await sharer.fill("[aria-label='Address 1']", "print@x.test");
await sharer.click(".contact-form button.main");
await sharer.waitForSelector(".contact h1:has-text('Printer')");

await page.reload();
await page.waitForSelector(".of-book:has-text('Suppliers')");
await page.click(".person:has-text('Printer')");
await card("Printer");
found.owner = await page.locator(".contact header small").last().innerText();
found.rights = [await page.locator(".contact button:has-text('Edit')").count(), await page.locator(".contact .tag").innerText()];
await page.click(".contact button:has-text('Copy to my contacts')");
await page.waitForSelector(".notice:has-text('Printer was copied')");
await page.waitForFunction(() => [...document.querySelectorAll(".person")].filter((one) => one.textContent.includes("Printer")).length === 2);
await look(page, found, pictures, "shared");

await sharer.click(".books li:has-text('Suppliers') button >> nth=1");
await sharer.selectOption(".book .things select", "write");
await sharer.waitForSelector(".notice:has-text('Shared with')");
await page.reload();
await page.click("section[aria-label='Suppliers'] .person");
await page.click(".contact .actions button:has-text('Edit')");
await page.fill("[aria-label='Phone 1']", "4711");
await page.click(".contact-form button.main");
await page.waitForSelector(".notice:has-text('Saved')");
await sharer.reload();
await sharer.click("section[aria-label='Suppliers'] .person");
await sharer.waitForSelector(".contact dd:has-text('4711')");

// And it ends.
await sharer.click(".books li:has-text('Suppliers') button >> nth=1");
await sharer.click(".book .things button");
await sharer.waitForFunction(() => document.querySelector(".book .things")?.children.length === 0);
await page.reload();
await page.waitForSelector(".person");
found.ended = await page.locator(".books li").allInnerTexts();

await browser.close();
console.log(JSON.stringify(found));
