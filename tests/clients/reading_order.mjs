/** Ordering letters: labels, pins, snooze, mute, choosing many, folders: `node reading_order.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES`. */

import { launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
const subjects = () => page.locator(".row:not(.waiting) .subject").allTextContents();
const notice = async (text) => page.waitForSelector(`.notice:has-text("${text}")`);
await page.waitForSelector(".row:has-text('order 5')");

// Nothing is put aside yet.
await page.click(".folders .folder:has-text('Snoozed')");
await page.waitForSelector(".list .nothing p");
found.nothing = await page.textContent(".list .nothing b");
found.title = await page.textContent(".list h1");
await look(page, found, pictures, "nothing-snoozed");
await page.click(".folders .folder:has-text('Inbox')");

// A label, made by keys alone; both windows of the account have it.
await openLetter(page, "order 1");
await page.keyboard.press("l");
await page.waitForSelector(".pick input");
await page.keyboard.type("重要 客户");
await look(page, found, pictures, "label");
await page.keyboard.press("Enter");
await page.waitForSelector(".pick", { state: "detached" });
await page.waitForSelector(".row .tag:has-text('重要 客户')");
await page.waitForSelector(".folders .folder:has-text('重要 客户')");

// A pin stays on top; a snoozed letter is gone until it is looked for.
await page.keyboard.press("p");
await page.waitForFunction(() => document.querySelector("#row-0 .subject").textContent.includes("order 1"));
found.pinned = (await subjects()).slice(0, 2);
await page.keyboard.press("u");
await openLetter(page, "order 2");
await page.keyboard.press("b");
await page.waitForSelector(".pick #choices li");
await look(page, found, pictures, "snooze");
await page.keyboard.press("ArrowDown");
await page.keyboard.press("Enter");
await notice("Comes back");
await page.waitForFunction(() => ![...document.querySelectorAll(".row .subject")].some((one) => one.textContent.includes("order 2")));
await page.click(".folders .folder:has-text('Snoozed')");
await page.waitForSelector(".row:has-text('order 2')");
found.snoozed = await subjects();

// The label leads to its letters.
await page.click(".folders .folder:has-text('重要 客户')");
await page.waitForSelector(".row:has-text('order 1')");
await page.waitForFunction(() => document.querySelectorAll(".row:not(.waiting)").length === 1);
found.labelled = await subjects();
await page.click(".folders .folder:has-text('Inbox')");
await page.waitForSelector(".row:has-text('order 5')");

// Choosing: by keys, by range, all there is; moved to a folder that is made on the way; and back.
await page.keyboard.press("Home");
await page.keyboard.press("x");
await page.waitForSelector(".bulk");
await page.click(".row:has-text('order 4')", { modifiers: ["Shift"] });
found.range = await page.textContent(".bulk b");
await look(page, found, pictures, "chosen");
await page.keyboard.press("*");
await page.waitForSelector(".bulk:not(:has-text('Choose all'))");
found.all = await page.textContent(".bulk b");
await page.keyboard.press("v");
await page.waitForSelector(".pick input");
await page.keyboard.type("项目");
await page.keyboard.press("Enter");
await notice("Moved to 项目");
await page.waitForSelector(".list :is(.empty, .nothing)");
found.folder = await page.getAttribute(".folder:has-text('项目')", "title");
await page.click(".notice button:has-text('Undo')");
await page.waitForSelector(".row:has-text('order 5')");
found.back = (await subjects()).length;

// Dragged onto a folder.
await page.dragAndDrop(".row:has-text('order 3')", ".folder:has-text('项目')");
await notice("Moved to 项目");
await page.waitForFunction(() => ![...document.querySelectorAll(".row .subject")].some((one) => one.textContent.includes("order 3")));
await page.click(".folder:has-text('项目')");
await page.waitForSelector(".row:has-text('order 3')");

// The folder gets another name, then goes; its letters are in the trash.
await page.click("button[aria-label='See to 项目']");
await page.waitForSelector(".folder-form");
await look(page, found, pictures, "folder");
await page.fill(".folder-form input >> nth=0", "项目 2026");
await page.click(".folder-form .main");
await page.waitForSelector(".folder:has-text('项目 2026')");
page.on("dialog", (dialog) => void dialog.accept());
await page.click("button[aria-label='See to 项目 2026']");
await page.click(".folder-form button:has-text('Delete the folder')");
await page.waitForSelector(".folder:has-text('项目 2026')", { state: "detached" });
await page.click(".folder:has-text('Trash')");
await page.waitForSelector(".row:has-text('order 3')");

// Muted: it leaves the inbox, and what comes later does not bring it back.
await page.click(".folder:has-text('Inbox')");
await page.waitForSelector(".row:has-text('order 5')");
await openLetter(page, "order 5");
await page.keyboard.press("m");
await notice("Muted");
await page.waitForFunction(() => ![...document.querySelectorAll(".row .subject")].some((one) => one.textContent.includes("order 5")));

// Spam, reported.
await openLetter(page, "order 4");
await page.keyboard.press("!");
await notice("Reported as spam");
await page.click(".folder:has-text('Junk')");
await page.waitForSelector(".row:has-text('order 4')");

// Conversations, or not; the folder remembers it.
await page.click(".folder:has-text('Inbox')");
await page.waitForSelector(".row:has-text('talk')");
found.conversation = await page.locator(".row:has-text('talk')").count();
await page.click("button[title='Show conversations']");
await page.waitForFunction(() => document.querySelectorAll(".row:not(.waiting)").length > 1);
await page.waitForFunction(() => [...document.querySelectorAll(".row .subject")].filter((one) => one.textContent.includes("talk")).length === 2);
await page.click(".row:has-text('Re: talk')");
await page.waitForSelector(".letter");
found.alone = await page.locator(".letter").count();

// On a Sunday evening, where the person is: no evening that is over, no Monday twice.
await page.goto(`${url}/mail/settings/general`);
await page.selectOption("#zone select", "Asia/Tokyo");
await page.click(".folder:has-text('Inbox')");
await openLetter(page, "Re: talk");
await page.evaluate(() => {
  const now = Date.UTC(2026, 11, 6, 10);
  window.Date = class extends Date {
    constructor(...told) {
      super(...(told.length > 0 ? told : [now]));
    }
    static now = () => now;
  };
});
await page.keyboard.press("b");
await page.waitForSelector(".pick #choices li");
found.times = await page.locator("#choices li").allInnerTexts();
await page.keyboard.press("Escape");
await page.waitForSelector(".pick", { state: "detached" });
// Where it is already, nothing is moved.
await page.keyboard.press("v");
await page.waitForSelector(".pick #choices li");
found.folders = await page.locator("#choices li").allInnerTexts();
await page.keyboard.press("Escape");

const phone = await open(browser, url, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(phone, address, password);
await phone.waitForSelector(".row:has-text('talk') >> nth=1");
await look(phone, found, pictures, "list-phone");
await phone.click("header.top button >> nth=0");
await look(phone, found, pictures, "folders-phone");

console.log(JSON.stringify(found));
await browser.close();
