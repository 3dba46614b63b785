/** Letters with pictures from elsewhere: `node reading_pictures.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES`. */

import { frameOf, frameThat, launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);
await signIn(page, address, password);

await openLetter(page, "newsletter");
await page.waitForSelector(".pictures");
found.bar = await page.textContent(".pictures p");
found.sources = await (await frameOf(page)).evaluate(() => [...document.images].map((one) => one.getAttribute("src")));
await look(page, found, pictures, "pictures-blocked");

// The server refuses to call its own house.
await page.click(".pictures button:has-text('Show')");
// One after the other.
await page.waitForFunction(() => /[24] pictures could not/.test(document.querySelector(".pictures p")?.textContent ?? ""));
found.refused = await page.textContent(".pictures p");

// From now on by themselves; here the proxy's answers are made up.
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");
const asked = [];
await page.route("**/mail/picture/**", (route) => {
  asked.push(Buffer.from(route.request().url().split("/").at(-1), "base64url").toString());
  found.referrer ??= route.request().headers().referer ?? "";
  return route.fulfill({ contentType: "image/png", body: png });
});
await page.click(".pictures button:has-text('Always from')");
await page.waitForSelector(".pictures:has-text('No longer from')");
await openLetter(page, "other");
// The ground of a letter is its own, and is not that of the next.
const colours = () => [document.body, document.querySelector("p")].flatMap((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]);
found.dark = await (await frameThat(page, () => document.body.textContent.includes("other"))).evaluate(colours);
await openLetter(page, "newsletter");
found.plain = await (await frameThat(page, () => document.body.textContent.includes("What is new"))).evaluate(colours);
await page.waitForSelector(".pictures:has-text('server fetched')");
await frameThat(page, () => [...document.images].filter((one) => one.complete && one.naturalWidth === 1).length === 2);
found.asked = [...new Set(asked)].sort();
await look(page, found, pictures, "pictures-shown");

// A long one is taken over piece by piece; each picture comes into its own place.
await openLetter(page, "long read");
const long = await frameThat(page, () => [...document.images].filter((one) => one.complete && one.naturalWidth === 1).length === 2);
found.long = await long.evaluate(() => ({
  paths: [...document.querySelectorAll("img, table, td")].map((one) => one.getAttribute("src") || one.style.backgroundImage.replace(/^url\("|"\)$/g, ""))
    .map((path) => path && new TextDecoder().decode(Uint8Array.from(atob(path.split("/").at(-1).replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)))),
  marks: document.querySelectorAll("[data-remote], [background]").length,
}));

// It is the account that remembers it.
const other = await open(browser, url, found, { size: { width: 390, height: 800 }, locale: "zh-CN", dark: true });
await signIn(other, address, password);
await openLetter(other, "newsletter");
await other.waitForSelector(".pictures:has-text('不再自动显示')");
await look(other, found, pictures, "pictures-phone-dark");

console.log(JSON.stringify(found));
await browser.close();
