/** What to enter into mail programs: read, copied, and an app password made on the spot. */

import { PHONE, done, look, open } from "./rig.mjs";

const found = {};
const page = await open("/mail/settings/setup");
await page.waitForSelector("#servers tbody tr");
await page.click("#servers tbody tr:first-child td:nth-child(3) .copy");
found.port = await page.evaluate(() => navigator.clipboard.readText());
await page.selectOption("#steps select", "iphone");
await page.waitForSelector(".qr path");
await look(page, "setup");
found.profile = await page.evaluate((url) => fetch(url).then((answer) => answer.headers.get("content-type")), await page.getAttribute("#steps a.button", "href"));
await page.selectOption("#steps select", "mutt");
found.mutt = await page.textContent(".snippet");
await page.click("#servers .main");
await page.click(".modal .main");
await page.waitForSelector(".password-once");
await page.click(".modal .main");
await page.setViewportSize(PHONE);
await page.emulateMedia({ colorScheme: "dark" });
await look(page, "setup-phone");
await done(found);
