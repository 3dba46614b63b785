/**
 * Two people write to each other in two browsers: `node webmail.mjs CHROMIUM ZHANG_URL LI_URL PASSWORD PICTURES`.
 *
 * ZHANG_URL and LI_URL are the webmails of zhang@qq.test and li@163.test.  What was seen is printed as one JSON document.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { overhear } from "./browser.mjs";
import { undoFor } from "./writing.mjs";

const [executablePath, zhangUrl, liUrl, password, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const found = { axe: {}, console: [], requests: [] };

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});

/** A window of its own, at a desktop's or a phone's size. */
async function window(url, size, locale) {
  const context = await browser.newContext({ viewport: size, locale, ignoreHTTPSErrors: true, bypassCSP: false });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  overhear(page, found.console);
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) found.requests.push(request.url());
  });
  await page.goto(`${url}/mail/`);
  return page;
}

/** Faults that axe finds; its script is put in from outside, past the policy of the page. */
async function check(page, name) {
  const session = await page.context().newCDPSession(page);
  const { executionContextId } = await isolated(session);
  await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { iframes: false }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target).join(' '))))",
    contextId: executionContextId,
    awaitPromise: true,
  });
  found.axe[name] = JSON.parse(result.value);
  await page.screenshot({ path: join(pictures, `${name}.png`) });
}

async function isolated(session) {
  const { frameTree } = await session.send("Page.getFrameTree");
  return session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
}

async function signIn(page, address, secret) {
  await page.fill("[name=address]", address);
  await page.fill("[name=password]", secret);
  await page.keyboard.press("Enter");
}

const zhang = await window(zhangUrl, { width: 1400, height: 860 }, "zh-CN");
const li = await window(liUrl, { width: 390, height: 800 }, "en");
await zhang.waitForSelector("button.main");
await check(zhang, "signin");
await zhang.click("button.main");
await signIn(zhang, "zhang@qq.test", "wrong");
await zhang.waitForSelector("[name=password]");
await signIn(zhang, "zhang@qq.test", password);
await li.click("button.main");
await signIn(li, "li@163.test", password);
await zhang.waitForSelector(".folders .write");
await li.waitForSelector(".list :is(.empty, .nothing), .row");

await undoFor(zhang, 0);
await undoFor(li, 0);

// Zhang writes, by keyboard alone but for the picture.
await zhang.keyboard.press("c");
await zhang.waitForSelector(".compose iframe[data-ready]");
await zhang.keyboard.type("李 <li@163.test>");
for (const text of ["", "春节快乐：一张照片", "见信如面。附件是照片。"]) {
  await zhang.keyboard.press("Tab");
  await zhang.keyboard.type(text);
}
await zhang.setInputFiles(".compose .foot input[type=file]", {
  name: "照片.png",
  mimeType: "image/png",
  buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64"),
});
await zhang.waitForSelector(".compose .files li");
await check(zhang, "compose");
const sentAt = Date.now();
await zhang.keyboard.press("Control+Enter");
await zhang.waitForSelector(".compose", { state: "detached" });

// Li's window shows it without a reload.
await li.waitForSelector(".row.unread:has-text('春节快乐')");
found.arrived_ms = Date.now() - sentAt;
await check(li, "list-phone");
// As a screen reader says it.
found.row = await li.locator(".row.unread").first().ariaSnapshot();
await li.click(".row.unread");
await li.waitForSelector(".letter iframe.body");
await li.frameLocator(".letter iframe.body").locator("div").first().waitFor();
found.text = (await li.frameLocator(".letter iframe.body").locator("body").innerText()).trim();
found.file = (await li.textContent(".letter .files .name")).trim();
await check(li, "reading-phone");
const [download] = await Promise.all([li.waitForEvent("download"), li.click(".letter .files .save")]);
found.download = readFileSync(await download.path()).length;

// More windows than a browser opens connections to a host: each goes in without a click, shows the list, and hears of what comes.
const windows = [];
for (let at = 0; at < 6; at += 1) {
  windows.push(await zhang.context().newPage());
  await windows[at].goto(`${zhangUrl}/mail/`);
  await windows[at].waitForSelector(".list :is(.empty, .nothing), .row", { timeout: 30_000 });
}

// Li answers; Zhang, who looks at the inbox, sees that.
await li.click(".more button:has-text('Reply')");
await li.waitForSelector(".compose iframe[data-ready]");
found.to = (await li.textContent(".compose .chip")).trim();
found.subject = await li.inputValue(".compose .line input");
await li.click(".quoted button >> nth=0");
await li.waitForSelector(".quoted", { state: "detached" });
const text = li.frameLocator(".compose iframe").locator("#editor");
found.quoted = await text.innerText();
await text.press("Control+Home");
await li.keyboard.type("照片收到了！");
await li.click(".compose .split > .main");
await zhang.waitForSelector(".row.unread:has-text('Re: 春节快乐')");
await Promise.all(windows.map((one) => one.waitForSelector(".row.unread:has-text('Re: 春节快乐')")));
// The one that listened for all is not there any more.
await windows.shift().close();
await zhang.keyboard.press("Enter");
await zhang.waitForSelector(".letter");
await zhang.waitForFunction(() => document.querySelectorAll(".letter").length === 2);
found.thread = await zhang.locator(".letter").count();
await check(zhang, "reading");
await zhang.keyboard.press("s");
await zhang.waitForSelector(".star.on");
await zhang.keyboard.press("e");
await zhang.waitForSelector(".notice:has-text('归档')");
found.notice = (await zhang.textContent(".notice span")).trim();
await zhang.click(".notice button:has-text('撤销')");
await zhang.waitForSelector(".row:has-text('Re: 春节快乐')");
await zhang.fill("#search", "快乐");
await zhang.waitForFunction(() => document.querySelector(".list h1").textContent.includes("快乐"));
await zhang.waitForSelector(".row:not(.waiting)");
found.search = await zhang.locator(".row:not(.waiting)").count();
await check(zhang, "search");

// Who signs out leaves nothing to who sits there next: neither in another window, nor by the sign-in page.
await zhang.click("nav footer button");
await windows[0].waitForSelector(".signin button.main");
await windows[0].click("button.main");
await windows[0].waitForSelector("[name=password]");
found.left = await windows[0].locator("[name=address]").count();
// Not even where a window believes that somebody is signed in: it is told no, once, and stays where it was.
await windows[1].evaluate(() => localStorage.setItem("posthouse.visit", String(Date.now() + 60_000)));
windows.push(await zhang.context().newPage());
await windows.at(-1).goto(`${zhangUrl}/mail/settings/general`);
await windows.at(-1).waitForSelector(".signin button.main");
await windows.at(-1).waitForURL(`${zhangUrl}/mail/settings/general`);
found.believed = await windows.at(-1).evaluate(() => localStorage.getItem("posthouse.visit"));

console.log(JSON.stringify(found));
await browser.close();
