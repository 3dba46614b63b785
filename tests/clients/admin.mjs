/**
 * The admin pages: `node admin.mjs CHROMIUM URL PASSWORD PICTURES`.
 *
 * zhang@qq.test administrates the server, wang@qq.test only shop.test, which zhang makes and hands over.  What was seen
 * is printed as one JSON document.
 */

import { join } from "node:path";
import { TIMEOUT_MS, launch, look, overhear } from "./browser.mjs";

const [executablePath, url, password, pictures] = process.argv.slice(2);
const found = { axe: {}, console: [], requests: [], scrolls: [] };
const browser = await launch(executablePath);

async function window(locale, size = { width: 1280, height: 860 }, dark = false) {
  const context = await browser.newContext({ viewport: size, locale, colorScheme: dark ? "dark" : "light", permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  // What the server refuses, as it should, the browser notes as well.
  overhear(page, found.console, (text) => text.startsWith("Failed to load resource"));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob|about):/.test(request.url())) found.requests.push(request.url());
  });
  await page.goto(`${url}/admin/`);
  return page;
}

async function signIn(page, address, secret = password) {
  await page.waitForSelector("[name=address]");
  await page.fill("[name=address]", address);
  await page.fill("[name=password]", secret);
  await page.keyboard.press("Enter");
}

async function go(page, name) {
  if (await page.isVisible("header .only-narrow")) await page.click("header .only-narrow");
  await page.click(`nav.side a[href="/admin/${name}"]`);
  await settled(page);
}

async function settled(page) {
  await page.waitForSelector("main h1");
  await page.waitForFunction(() => !document.querySelector("main [aria-busy=true]"));
}

async function picture(page, name) {
  await settled(page);
  await look(page, found, pictures, name);
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.scrolls.push(name);
}

async function submit(page, values) {
  await page.waitForSelector("dialog[open]");
  for (const [name, value] of Object.entries(values)) await page.fill(`dialog [name=${name}]`, value);
  await page.click("dialog button.main");
}

const gone = (page) => page.waitForSelector("dialog[open]", { state: "detached" });

// --- the administrator of the server ---

const zhang = await window("en");
await zhang.waitForURL(/oauth\/authorize/);
await signIn(zhang, "zhang@qq.test");
await zhang.waitForSelector("main h1");
await zhang.waitForSelector(".chart svg");
await zhang.waitForSelector(".facts");
await picture(zhang, "overview");
found.overview = await zhang.textContent("main");
found.storage = await zhang.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));

// A reload comes back by itself: the tokens were in memory only.
await zhang.goto(`${url}/admin/audit`);
await zhang.waitForSelector("nav.side a[aria-current]");
found.back = new URL(zhang.url()).pathname;

await go(zhang, "domains");
await picture(zhang, "domains");
await zhang.click("text=Add a domain");
await zhang.waitForSelector("dialog[open]");
await picture(zhang, "domain-add");
await submit(zhang, { name: "nodot" });
await zhang.waitForFunction(() => document.querySelector("dialog .fault")?.textContent);
found.refused = await zhang.textContent("dialog .fault");
await submit(zhang, { name: "shop.test" });
await zhang.waitForSelector(".records li");
await zhang.click(".records li >> nth=0 >> button >> nth=0");
found.copied = await zhang.evaluate(() => navigator.clipboard.readText());
await zhang.click("text=Check now");
await zhang.waitForSelector(".checks li");
found.checked = await zhang.$$eval(".checks li", (all) => all.map((one) => one.className));
await picture(zhang, "domain");
await zhang.goto(`${url}/admin/domains/qq.test`);
await zhang.waitForSelector(".records li");
await zhang.click("text=Check now");
await zhang.waitForSelector(".checks li");
found.ours = await zhang.$$eval(".checks li", (all) => all.map((one) => one.className));
await picture(zhang, "domain-checked");
await zhang.selectOption("main select >> nth=1", "quarantine");
await zhang.waitForFunction(() => document.querySelector(".notice")?.textContent === "Saved");

// wang gets shop.test.
await zhang.goto(`${url}/admin/domains/shop.test`);
await zhang.waitForSelector(".records li");
await zhang.click("section:has(h2:text('Administrators')) >> text=Name");
await submit(zhang, { address: "wang@qq.test" });
await gone(zhang);
await zhang.waitForSelector("text=wang@qq.test");

await go(zhang, "accounts");
await zhang.waitForSelector(".rows tbody tr");
await picture(zhang, "accounts");
await zhang.click("text=New account");
await submit(zhang, { address: "chen@shop.test", name: "陈", quota: "100" });
await zhang.waitForSelector("dialog .secret");
found.secret = (await zhang.textContent("dialog .secret code")).length;
await picture(zhang, "account-made");
await zhang.click("dialog button.main");
await zhang.fill("main [type=search]", "陈");
await zhang.waitForFunction(() => document.querySelectorAll(".rows tbody tr").length === 1);
found.search = await zhang.textContent(".rows tbody tr");
await zhang.check("tbody .pick input");
await zhang.click(".many >> text=Lock");
await zhang.waitForSelector("dialog[open]");
found.asked = await zhang.textContent("dialog p");
await picture(zhang, "accounts-lock");
await zhang.click("dialog button.main");
await zhang.waitForSelector(".rows .badge.bad");
await zhang.click(".rows tbody a");
await zhang.waitForSelector("#account-name");
await picture(zhang, "account");

await go(zhang, "aliases");
await zhang.click("text=Add an alias");
await submit(zhang, { address: "info@shop.test", targets: "zhang@qq.test\nli@163.test" });
await zhang.waitForSelector(".rows tbody tr");
await picture(zhang, "aliases");
await go(zhang, "teams");
await zhang.click("text=New team mailbox");
await submit(zhang, { address: "sales@qq.test", name: "Sales" });
await zhang.waitForSelector("section.card");
await zhang.click("section.card >> text=Add");
await submit(zhang, { address: "wang@qq.test" });
await zhang.waitForSelector(".certs li");
// How read marks are kept is seen, and by whoever comes back.
found.seen = [await zhang.textContent(".card .tabs [aria-pressed=true]")];
await zhang.click(".card .tabs [aria-pressed=false]");
await zhang.waitForSelector(".card .tabs [aria-pressed=true]:has-text('Each')");
await picture(zhang, "team");
await zhang.reload();
await zhang.waitForSelector(".card .tabs [aria-pressed=true]");
found.seen.push(await zhang.textContent(".card .tabs [aria-pressed=true]"));

await go(zhang, "sessions");
await picture(zhang, "sessions");
found.sessions = await zhang.textContent("main");
await zhang.click(".rows tr:has-text('zhang@qq.test') button");
await zhang.waitForSelector("dialog[open]");
await zhang.click("dialog button.main");
await zhang.waitForSelector("main .empty");
await go(zhang, "bans");
await zhang.click("text=Ban somebody");
await submit(zhang, { subject: "192.0.2.1", reason: "guessing" });
await zhang.waitForSelector(".rows tbody tr");
await picture(zhang, "bans");
await go(zhang, "audit");
await zhang.waitForSelector(".rows tbody tr");
await picture(zhang, "audit");
found.audit = await zhang.$$eval(".rows tbody tr", (all) => all.map((one) => one.querySelector("b")?.textContent));

await go(zhang, "settings");
await zhang.click("text=New token");
await submit(zhang, { name: "monitoring", domains: "qq.test" });
await zhang.waitForSelector("dialog .secret");
found.token = (await zhang.textContent("dialog .secret code")).slice(0, 4);
await zhang.click("dialog button.main");
await picture(zhang, "settings");

// A letter that cannot be delivered waits in the queue, and says why.
await go(zhang, "queue");
await zhang.waitForSelector(".rows tbody tr");
found.queue = await zhang.textContent(".rows tbody");
await picture(zhang, "queue");
await zhang.click(".rows tbody a");
await zhang.waitForSelector(".story li");
await picture(zhang, "letter");
found.story = await zhang.$$eval(".story li", (all) => all.map((one) => one.className));
await zhang.click(".many >> text=Hold");
await zhang.waitForSelector("dialog[open]");
await zhang.click("dialog button.main");
await zhang.waitForSelector(".badge.bad");

// By keyboard alone: to the menu, to a page, into a dialog and out.
await zhang.goto(`${url}/admin/`);
await zhang.waitForSelector(".facts");
found.flow = await zhang.textContent(".chart figcaption");
await picture(zhang, "overview-later");
await zhang.focus('nav.side a[href="/admin/domains"]');
await zhang.keyboard.press("Enter");
await zhang.waitForSelector(".rows tbody tr");
found.focus = await zhang.evaluate(() => document.activeElement?.tagName);
await zhang.keyboard.press("Tab");
await zhang.keyboard.press("Enter");
await zhang.waitForSelector("dialog[open]");
await zhang.keyboard.press("Escape");
await gone(zhang);
found.escaped = await zhang.evaluate(() => document.activeElement?.textContent);

// --- the administrator of a domain, on a phone, in Chinese, in the dark ---

const wang = await window("zh-CN", { width: 390, height: 844 }, true);
await signIn(wang, "wang@qq.test");
await wang.waitForSelector(".chart svg");
await picture(wang, "phone-overview");
for (const name of ["domains", "accounts", "aliases", "teams", "queue", "sessions", "bans", "audit", "settings"]) {
  await go(wang, name);
  await picture(wang, `phone-${name}`);
  if (name === "domains" || name === "accounts") found[`wang_${name}`] = await wang.$$eval(".rows tbody a", (all) => all.map((one) => one.textContent));
}
await wang.click("header .only-narrow");
await wang.screenshot({ path: join(pictures, "phone-menu.png") });
await wang.goto(`${url}/admin/domains/qq.test`);
await wang.waitForSelector("[role=alert]");
found.hidden = await wang.textContent("[role=alert]");
await wang.goto(`${url}/admin/domains/shop.test`);
await wang.waitForSelector(".records li");
await picture(wang, "phone-domain");

await browser.close();
process.stdout.write(JSON.stringify(found));
