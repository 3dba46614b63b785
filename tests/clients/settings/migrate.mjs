/** Moving in from another server: `... PICTURES PORT OTHER`. */

import { PHONE, done, jmapOf, look, more, open, password } from "./rig.mjs";

const [port, other] = more;
const found = {};
const [boxes] = await jmapOf(other, ["Mailbox/get", { ids: null }]);
const inbox = boxes.list.find((one) => one.role === "inbox").id;
const letterOf = (subject) => ({
  mailboxIds: { [inbox]: true }, subject, from: [{ name: null, email: "a@x.test" }], bodyStructure: { type: "text/plain", partId: "1" }, bodyValues: { 1: { value: "x" } },
});
await jmapOf(other, ["Email/set", { create: { a: letterOf("from over there"), b: letterOf("and another") } }]);

const page = await open("/mail/settings/migrate", { locale: "en" });
await page.waitForSelector(".providers");
await look(page, "provider");
await page.click(".providers label:last-child");
const connect = async (secret) => {
  await page.fill("[name=host]", "127.0.0.1");
  await page.fill("[name=port]", port);
  await page.fill("[name=user]", other);
  await page.fill("[name=password]", secret);
  await page.click("#migrate button.main");
};
await connect("wrong");
await page.waitForSelector("#migrate .fault:not(:empty)");
found.refused = await page.textContent("#migrate .fault");
await look(page, "refused");
await connect(password);
await page.waitForSelector(".there li");
found.there = await page.textContent(".there li");
found.chosen = await page.textContent("#migrate [role=status]");
await look(page, "folders");
await page.click("#migrate button.main");
await page.waitForSelector(".move .badge.good");
found.done = await page.textContent(".moved p");

// Another window, later, on a phone: it is still there, and runs again for what is new.
await jmapOf(other, ["Email/set", { create: { c: letterOf("new") } }]);
const phone = await open("/mail/settings/migrate", { size: PHONE, colorScheme: "dark" });
await phone.click(".move button:has-text('再次运行')");
await look(phone, "again");
await phone.fill(".modal [name=password]", password);
await phone.click(".modal button.main");
await phone.waitForSelector(".moved p:has-text('已搬 1 封')");
await phone.waitForSelector(".move .badge.good");
await look(phone, "done");
await phone.click(".move button:has-text('移除记录')");
await phone.waitForSelector("#migrations .about");

// A provider at whose own page people sign in: what the server would answer is said here.
const office = await open("/mail/settings/general");
let signedIn = false;
const answer = (path, json) => office.route(`**/api/v1/self/${path}`, (route) => route.fulfill({ json: json(route.request()) }));
const codes = { url: "https://provider.test/enter", code: "ABCD-EFGH", handle: "sealed", interval: 1, expires_in: 900 };
await answer("migration-sign-in", (asked) => (asked.method() === "GET" ? { items: [{ provider: "office365" }] } : codes));
await answer("migration-sign-in/poll", () => ({ granted: signedIn ? "granted" : "", slower: false }));
await answer("migrations/check", (asked) => {
  found.checked = asked.postDataJSON();
  return { items: [{ id: "INBOX", name: "INBOX", role: "inbox", letters: 3 }] };
});
await office.click("a[href$='/settings/migrate']");
await office.click(".providers label:has-text('Office 365')");
await office.waitForSelector("button:has-text('去那边登录')");
found.passwords = await office.locator("#migrate [name=password]").count();
await look(office, "sign-in");
await office.fill("[name=user]", "li@office.test");
await office.click("button:has-text('去那边登录')");
found.code = await office.textContent(".code-there");
found.link = await office.getAttribute(".how a:has-text('打开登录网页')", "href");
await look(office, "code");
await office.setViewportSize(PHONE);
await look(office, "code-phone");
signedIn = true;
await office.waitForSelector(".there li");
await done(found);
