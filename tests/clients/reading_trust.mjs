/** Whom to believe, and the way of a letter: `node reading_trust.mjs CHROMIUM ZHANG_URL LI_URL PASSWORD PICTURES`. */

import { launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, zhangUrl, liUrl, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const li = await open(browser, liUrl, found);
await signIn(li, "li@163.test", password);

await openLetter(li, "honest");
found.honest = await li.textContent(".badge");
found.warnings = await li.locator(".warnings").count();
await li.click("button:has-text('Journey and source')");
await li.waitForSelector(".way");
found.way = (await li.textContent(".way")).replace(/\s+/g, " ");
await look(li, found, pictures, "journey");
await li.keyboard.press("Tab");
await li.focus("#inspect-journey");
await li.keyboard.press("ArrowRight");
await li.waitForSelector(".fields");
found.fields = await li.locator(".fields th").allTextContents();
await li.keyboard.press("ArrowRight");
await li.waitForSelector(".source");
found.source = (await li.textContent(".source")).slice(0, 12);
await look(li, found, pictures, "source");
await li.keyboard.press("Escape");
await li.waitForSelector(".inspect", { state: "detached" });

await openLetter(li, "fraud");
await li.waitForSelector(".warnings li >> nth=3");
found.fraud = await li.locator(".warnings li").allTextContents();
found.fraudBadge = await li.textContent(".badge");
await look(li, found, pictures, "fraud");

// What zhang sent: how far it got.
const zhang = await open(browser, zhangUrl, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(zhang, "zhang@qq.test", password);
await openLetter(zhang, "pretender");
found.forged = await zhang.textContent(".badge");
await look(zhang, found, pictures, "forged-phone");
await zhang.click(".tools button >> nth=0");
await zhang.click("header.top button >> nth=0");
await zhang.click(".folder:has-text('已发送')");
await openLetter(zhang, "honest");
// The notice of what could not be delivered is in the same conversation.
await zhang.click("article[aria-label='zhang@qq.test'] button:has-text('经过与原文')");
await zhang.waitForSelector(".reached .delivered");
await zhang.waitForSelector(".reached .failed");
found.reached = await zhang.locator(".reached li").allTextContents();
await look(zhang, found, pictures, "sent-phone");

console.log(JSON.stringify(found));
await browser.close();
