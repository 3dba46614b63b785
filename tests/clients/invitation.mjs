/** Invitations: read, answered, shown to the organizer: `node invitation.mjs CHROMIUM URL ADDRESS ORGANIZER PASSWORD PICTURES`. */

import { readFileSync } from "node:fs";
import { launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, organizer, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);
const words = async (where, selector) => (await where.textContent(selector)).replace(/\s+/g, " ").trim();

await openLetter(page, "Please come");
await page.waitForSelector(".invitation .when");
found.card = await words(page, ".invitation");
await look(page, found, pictures, "invitation");

// By keyboard: a few words, and yes.
await page.focus(".answering summary");
await page.keyboard.press("Enter");
await page.fill(".answering textarea", "A little late <b>");
await page.focus(".choices button.accepted");
await page.keyboard.press("Enter");
await page.waitForSelector(".answered");
found.answered = await words(page, ".answered b");
found.told = await words(page, ".answering [role=status]");
await look(page, found, pictures, "answered");
const [file] = await Promise.all([page.waitForEvent("download"), page.click("button:has-text('Add to calendar')")]);
found.file = [file.suggestedFilename(), readFileSync(await file.path(), "utf8").slice(0, 15)];

// It is known to every window, and from the newer letter on it is that of an older version.
const phone = await open(browser, url, found, { size: { width: 390, height: 844 }, locale: "zh-CN", dark: true });
await signIn(phone, address, password);
await openLetter(phone, "Please come");
await phone.waitForSelector(".answered");
await phone.waitForSelector(".invitation .hint.grave");
found.later = await words(phone, ".invitation .hint.grave span");
found.kept = await words(phone, ".answered b");
await phone.click(".hint.grave button");
await phone.waitForSelector(".answered .before");
found.before = await words(phone, ".invitation .kind");
await look(phone, found, pictures, "changed-phone");

// What an attacker sends is words, and not many of them.
await phone.click(".tools button >> nth=0");
await openLetter(phone, "crowd");
await phone.waitForSelector(".invitation .when");
await phone.click(".fact details summary");
found.crowd = [await words(phone, ".fact summary"), await phone.locator(".invited li").count(), await phone.locator(".invitation img, .invitation script").count()];
found.nodes = await phone.evaluate(() => document.querySelectorAll(".invitation *").length);
await look(phone, found, pictures, "crowd-phone");

const other = await open(browser, url, found);
await signIn(other, organizer, password);
await openLetter(other, "Accepted: Review");
await other.waitForSelector(".replied");
found.replied = [await words(other, ".replied b"), await words(other, ".replied blockquote")];
await look(other, found, pictures, "replied");

console.log(JSON.stringify(found));
await browser.close();
