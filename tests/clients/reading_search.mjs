/** Searching with operators, in both languages: `node reading_search.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES`. */

import { launch, look, open, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures] = process.argv.slice(2);
const found = { found: {} };
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
await page.waitForSelector(".row:has-text('budget')");

/** The subjects that a search shows, once it has settled. */
async function search(text) {
  const answered = page.waitForResponse((one) => one.url().endsWith("/jmap/api") && (one.request().postData() ?? "").includes("Email/query"));
  await page.fill("#search", text);
  await page.press("#search", "Enter");
  await answered;
  await page.waitForFunction(() => document.querySelector(".list :is(.empty, .nothing), .row:not(.waiting)"));
  await page.waitForFunction(() => document.querySelector(".scope"));
  await page.waitForTimeout(60);
  return (await page.locator(".row:not(.waiting) .subject").allTextContents()).sort();
}

for (const text of [
  "budget", "subject:budget -draft", "from:wang budget", "from:nobody budget", "has:attachment", "有:附件 主题:照片", "is:unread budget", "是:星标",
  "after:1d budget", "before:2020 budget", "larger:1M", "smaller:1M budget", "in:trash budget", "位置:废纸篓", "in:anywhere budget", '"the budget of"', "收件人:wang budget",
]) {
  found.found[text] = await search(text);
}
await search("subject:budget has:attachment spring");
found.chips = await page.locator(".scope .chip").allTextContents();
await search("spring budget larger:many");
found.fault = await page.textContent(".scope .fault");
await search("spring");
found.marks = await page.locator(".row mark").allTextContents();
await look(page, found, pictures, "search");

// Kept, on the server; a chip leaves; the scope narrows.
await page.click(".scope button[title='Save this search']");
await page.waitForSelector(".folders .folder:has-text('spring')");
await search("in:trash budget");
await page.click(".scope .chip");
await page.waitForFunction(() => document.querySelector("#search").value === "budget");
await page.click(".scope [role=radio] >> nth=1");
await page.waitForSelector(".scope [role=radio][aria-checked=true]:has-text('Only Inbox')");

// Completing.
await page.fill("#search", "");
await page.focus("#search");
await page.keyboard.type("ha");
await page.waitForSelector("#search-hints li:has-text('has:')");
await page.keyboard.press("ArrowDown");
await page.keyboard.press("Enter");
await page.waitForSelector("#search-hints li:has-text('attachment')");
await look(page, found, pictures, "hints");
await page.keyboard.press("ArrowDown");
await page.keyboard.press("Tab");
await page.waitForFunction(() => document.querySelector("#search").value.trim() === "has:attachment");

const phone = await open(browser, url, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(phone, address, password);
await phone.waitForSelector(".row");
await phone.focus("#search");
await phone.keyboard.type("budget 是");
await phone.waitForSelector("#search-hints li:has-text('是:')");
await phone.click("#search-hints li:has-text('是:')");
await phone.waitForSelector("#search-hints li:has-text('未读')");
await look(phone, found, pictures, "hints-phone");
await phone.click("#search-hints li:has-text('未读')");
await phone.waitForFunction(() => document.querySelector(".scope .chip")?.textContent.includes("未读"));
await look(phone, found, pictures, "search-phone");

console.log(JSON.stringify(found));
await browser.close();
