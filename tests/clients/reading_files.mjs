/** Files of letters: gallery, previews, repair, letters in letters: `node reading_files.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES`. */

import { readFileSync } from "node:fs";
import { launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);

await openLetter(page, "files of all kinds");
await page.waitForSelector(".gallery img");
found.title = await page.textContent(".attached h2");
await look(page, found, pictures, "gallery");
const [zip] = await Promise.all([page.waitForEvent("download"), page.click("button:has-text('Download all')")]);
found.zip = readFileSync(await zip.path()).toString("latin1").slice(0, 2);
await page.click(".gallery button");
await page.waitForSelector(".looking .shown > img");
await page.waitForFunction(() => document.querySelector(".looking .shown > img").naturalWidth > 0);
await look(page, found, pictures, "picture");

// By arrows to the text, the PDF and the letter inside.
await page.keyboard.press("ArrowRight");
await page.waitForSelector(".looking pre");
found.text = await page.textContent(".looking pre");
const pdf = page.waitForResponse((one) => one.url().includes("/mail/file/") && one.url().includes("/pdf/"));
await page.keyboard.press("ArrowRight");
await page.waitForSelector(".looking iframe.pdf");
const answer = await pdf;
found.pdf = [answer.status(), answer.headers()["content-type"], answer.headers()["content-security-policy"].includes("frame-ancestors 'self'")];
await page.focus(".looking header button >> nth=1");
await page.keyboard.press("ArrowRight");
await page.waitForSelector(".looking .embedded .plain-text");
found.inside = (await page.textContent(".looking .embedded")).replace(/\s+/g, " ").trim();
await look(page, found, pictures, "inside");
await page.click(".looking > header button >> nth=-1");
await page.waitForSelector(".looking", { state: "detached" });
found.program = await page.locator(".files li:has-text('run.exe') button.file").count();

// Labelled as Western, and Chinese: one click.
await openLetter(page, "ÖÐÎÄ");
await page.waitForSelector(".hint:has-text('labelled wrongly')");
await look(page, found, pictures, "broken");
await page.click("button:has-text('Repair')");
await page.waitForSelector(".hint:has-text('Shown as gb18030')");
found.repaired = [(await page.textContent(".plain-text")).trim(), (await page.textContent(".reader .title")).trim(), await page.textContent(".files .name")];
await look(page, found, pictures, "repaired");
// So are a text file that says nothing of its encoding, and what is made of the letter.
await page.click("button.file:has-text('list.txt')");
await page.waitForSelector(".looking pre");
found.file = [(await page.textContent(".looking pre")).trim(), await page.inputValue(".looking select")];
await page.keyboard.press("Escape");
await page.click(".more button:has-text('Reply') >> nth=0");
await page.waitForSelector(".compose iframe[data-ready]");
found.answer = await page.inputValue(".compose .line input");
await page.click(".quoted button >> nth=0");
await page.waitForSelector(".quoted", { state: "detached" });
found.quoted = await page.frameLocator(".compose iframe").locator("blockquote").innerText();
await page.click(".compose [aria-label='Discard the draft']");
await page.click(".compose .question .main");
await page.waitForSelector(".compose", { state: "detached" });
await page.selectOption(".hint select", "big5");
await page.waitForSelector(".hint:has-text('Shown as big5')");

// A picture that the text shows is no attachment beside it.
await openLetter(page, "its own picture");
await page.frameLocator("iframe.body").locator("img[src^='blob:'], img[src^='data:']").waitFor();
found.shown = await page.locator(".attached").count();

// What was quoted is folded.
await openLetter(page, "quoting");
await page.waitForSelector(".quoted summary");
found.folded = await page.evaluate(() => !document.querySelector(".quoted").open);
await page.click(".quoted summary");

const phone = await open(browser, url, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(phone, address, password);
await openLetter(phone, "files of all kinds");
await phone.waitForSelector(".gallery img");
await look(phone, found, pictures, "gallery-phone");
await phone.click(".gallery button");
await phone.waitForSelector(".looking .shown > img");
await look(phone, found, pictures, "picture-phone");

console.log(JSON.stringify(found));
await browser.close();
