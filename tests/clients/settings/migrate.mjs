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
await done(found);
