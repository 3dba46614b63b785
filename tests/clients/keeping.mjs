/**
 * Letters that must not be lost, and letters that are taken back: `node keeping.mjs CHROMIUM URL PASSWORD PICTURES`.
 */

import { TIMEOUT_MS, launch, look, open, openLetter, overhear, signIn } from "./browser.mjs";
import { PHONE, editor, send, undoFor, write } from "./writing.mjs";

const [chromium, url, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found, { locale: "zh-CN" });
await signIn(page, "zhang@qq.test", password);
await undoFor(page, 15);
const saved = (where) => where.waitForSelector(".compose .state:has-text('草稿已保存')");
const bodyOf = async (where) => (await editor(where)).innerText();

// A crash: the window is gone before anything reached the server.
await page.route("**/jmap/api", (route) => (/Email\/set/.test(route.request().postData() ?? "") ? route.abort() : route.continue()));
let text = await write(page, ["wang@qq.test"], "没有丢");
await text.click();
await page.keyboard.type("崩溃之前写的字");
await page.waitForFunction(() => localStorage.getItem("posthouse.letters"));
await page.waitForTimeout(600);
const context = page.context();
const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
await page.close();
const after = await context.newPage();
after.setDefaultTimeout(TIMEOUT_MS);
overhear(after, found.console);
await after.addInitScript((values) => {
  for (const [name, value] of Object.entries(JSON.parse(values))) if (!sessionStorage.getItem(name)) sessionStorage.setItem(name, value);
}, kept);
await after.goto(`${url}/mail/`);
await after.waitForSelector(".compose");
found.recovered = { text: (await bodyOf(after)).trim(), to: (await after.textContent(".compose .chip > span")).trim() };
await saved(after);

// The session ends while somebody writes: sign in again over the letter.
let ended = true;
// It is noticed when the letter is saved, not before: the question would stand in the way of who is about to write.
const refused = (route) => ended && /Email\/set/.test(route.request().postData() ?? "");
await after.route("**/jmap/api", (route) => (refused(route) ? route.fulfill({ status: 401, body: "" }) : route.continue()));
text = await editor(after);
await text.click();
await after.keyboard.insertText("会话结束后");
await after.waitForSelector("dialog.again[open]");
await look(after, found, pictures, "again");
const popup = context.waitForEvent("page");
await after.click("dialog.again .main");
const other = await popup;
ended = false;
// The browser's cookie may be enough, and its window is gone in a moment; else the password is asked for.
const gone = () => undefined;
const wanted = other.waitForSelector("[name=password]").then(() => other.fill("[name=password]", password)).then(() => other.keyboard.press("Enter"));
await Promise.race([other.waitForEvent("close").catch(gone), other.waitForSelector(".signin p.card").catch(gone), wanted.catch(gone)]);
await after.waitForSelector("dialog.again", { state: "detached" });
await saved(after);
found.after_again = (await bodyOf(after)).trim();

// The same draft in two windows.
const second = await open(browser, url, found, { locale: "zh-CN" });
await signIn(second, "zhang@qq.test", password);
await second.click(".folder:has-text('草稿')");
await second.click(".row:has-text('没有丢')");
await second.click(".more button:has-text('草稿')");
text = await editor(second);
await text.press("Control+End");
await second.keyboard.type("，另一处");
await saved(second);
await after.waitForSelector(".compose .question");
await look(after, found, pictures, "conflict");
await after.click(".compose .question button:has-text('用别处的')");
await after.waitForSelector(".compose .question", { state: "detached" });
found.theirs = (await bodyOf(after)).trim();
await after.keyboard.press("Escape");
await after.click(".compose [aria-label=关闭]").catch(() => undefined);
await after.waitForSelector(".compose", { state: "detached" });
await second.context().close();

// Several letters at once, put aside and taken up again.
await write(after, ["wang@qq.test"], "第一封");
await after.click(".compose [aria-label=收起窗口]");
await write(after, ["wang@qq.test"], "第二封");
await after.waitForSelector(".aside button:has-text('第一封')");
await look(after, found, pictures, "aside");
await after.click(".aside button:has-text('第一封')");
await after.waitForSelector(".compose h2:has-text('第一封')");
found.aside = await after.locator(".aside .name").allTextContents();
await after.click(".compose [aria-label=舍弃草稿]");
await after.click(".compose .question .main");
await after.waitForSelector(".compose h2:has-text('第二封')");

// Taken back within the time that is given.
text = await editor(after);
await text.click();
await after.keyboard.type("先发，再撤回");
await send(after);
await after.waitForSelector(".notice button:has-text('撤销')");
await after.click(".notice button:has-text('撤销')");
await after.waitForSelector(".compose");
found.undone = (await bodyOf(after)).trim();
found.waiting_during_undo = await after.locator(".folder:has-text('定时邮件')").count();

// Later: it is listed, its time can be changed, and it can go now.
await after.click(".compose [aria-label=定时发送]");
found.choices = await after.locator(".choices button").allTextContents();
await after.click(".choices button:has-text('选择时间')");
await after.fill("[name=at]", "2001-01-01T10:00");
await after.evaluate(() => document.querySelector("[name=at]").removeAttribute("min"));
await after.click(".linking .main");
await after.waitForSelector(".compose .fault:has-text('已经过去')");
await after.click(".compose [aria-label=定时发送]");
await after.click(".choices button:has-text('明早')");
await after.waitForSelector(".compose", { state: "detached" });
// The list says when it goes out.
await after.click(".folder:has-text('已发送')");
await after.waitForSelector(".row .leaves");
found.leaves = await after.textContent(".row:has(.leaves) .subject");
await after.click(".folder:has-text('定时邮件')");
await after.waitForSelector(".scheduled li");
found.scheduled = (await after.textContent(".scheduled li")).replace(/\s+/g, " ");
await look(after, found, pictures, "scheduled");
await after.click(".scheduled button:has-text('改时间')");
await after.click(".scheduled .linking .main");
await after.waitForSelector(".scheduled button:disabled");
await after.waitForSelector(".scheduled button:enabled:has-text('立即发送')");
await after.click(".scheduled button:has-text('立即发送')");
await after.waitForSelector(".scheduled .empty");
await after.keyboard.press("Escape");
await after.waitForSelector(".folder:has-text('定时邮件')", { state: "detached" });

// What the server refuses is said in plain words, and nothing is lost.
text = await write(after, ["nobody-here@qq.test"], "收不到");
await text.click();
await after.keyboard.type("x");
await after.keyboard.press("Control+Enter");
await after.waitForSelector(".compose .fault:has-text('nobody-here')");
found.refused = await after.textContent(".compose > .fault");
await after.click(".compose [aria-label=舍弃草稿]");
await after.click(".compose .question .main");
await after.waitForSelector(".compose", { state: "detached" });

const phone = await open(browser, url, found, { size: PHONE, locale: "en", dark: true });
await signIn(phone, "wang@qq.test", password);
await openLetter(phone, "第二封");
found.arrived = await phone.locator(".letter").count();

console.log(JSON.stringify(found));
await browser.close();
