/** Rules: made, tried, ordered, applied; a script by hand; an answer for who is away; forwarding that somebody agreed to. */

import { PHONE, address, done, jmap, jmapOf, letter, look, more, open } from "./rig.mjs";

const found = {};
const [friend] = more;
await letter("七月账单", { from: "bank@example.org" });
await letter("八月账单", { from: "bank@example.org" });
await letter("周末见面", { from: "wang@example.org" });

const page = await open("/mail/settings/rules");
await page.waitForSelector("#rules .empty");
await look(page, "rules-none");
await page.click("#rules .main");
await page.fill(".modal .field input", "银行");
await page.fill(".modal .part >> nth=0 >> input", "bank@");
await page.selectOption(".modal .block >> nth=1 >> .part >> nth=0 >> select >> nth=1", { label: "归档" });
await page.click(".modal .block >> nth=1 >> :text('添加动作')");
await page.click(".modal .trial button");
await page.waitForSelector(".modal .outcomes li");
found.tried = await page.locator(".modal .outcomes > li").count();
found.fate = (await page.textContent(".modal .fate >> nth=0")).trim();
found.status = (await page.textContent(".modal .trial [role=status]")).trim();
await look(page, "rules-editor");
await page.click(".modal .main");
await page.waitForSelector(".modal", { state: "detached" });
await page.waitForSelector(".rule");

// A second one, with the keyboard alone; then it goes first, and the first is switched off.
await page.focus("#rules > header .main");
await page.keyboard.press("Enter");
await page.waitForSelector(".modal");
await page.keyboard.type("王");
await page.keyboard.press("Tab");
await page.keyboard.press("Tab");
await page.keyboard.press("Tab");
await page.keyboard.type("wang");
await page.keyboard.press("Enter");
await page.waitForSelector(".modal", { state: "detached" });
await page.focus(".rule >> nth=1 >> .rule-name");
await page.keyboard.press("Alt+ArrowUp");
await page.waitForSelector(".rule >> nth=0 >> :text('王')");
found.focus = await page.evaluate(() => document.activeElement.textContent);
await page.click(".rule >> nth=0 >> .switch");
await page.waitForSelector(".rule.off");
const order = async () => (await jmap(["Rules/get", { ids: null }]))[0].list[0].rules.map((one) => [one.name, one.enabled]);
found.order = await order();
await look(page, "rules");

// Applied to what is there.
await page.click(".rule >> nth=1 >> [title='应用到已有邮件']");
await page.click(".modal .main");
await page.waitForSelector(".modal :text('完成')");
found.applied = (await page.textContent(".modal [role=status]")).trim();
await page.keyboard.press("Escape");

// Written by hand: faults are explained, and it stays what it is.
await page.click("#sieve button");
await page.fill(".editor textarea", 'require "fileinto";\nif header :contains "subject" "见面" {\n  fileinto "Junk"\n}\n');
await page.click(".sieve .main");
await page.waitForSelector("#sieve-fault:not(:empty)");
found.fault = await page.textContent("#sieve-fault");
await look(page, "sieve");
await page.fill(".editor textarea", 'if header :contains "subject" "见面" {\n  discard;\n}\n');
await page.click(".sieve .trial button");
await page.waitForSelector(".sieve .outcomes li");
found.byHand = (await page.textContent(".sieve .fate")).trim();
await page.click(".sieve .main");
await page.waitForSelector("h2:has-text('手写的 Sieve')");
await page.click("#rules > header button");
await page.click(".modal .main");
await page.waitForSelector(".rule >> nth=1");
found.again = await order();

// Away, on a phone in English and in the dark.
const phone = await open("/mail/settings/away", { size: PHONE, locale: "en", colorScheme: "dark" });
await phone.fill("textarea", "Back on Monday.");
await phone.click("[role=switch]");
await phone.fill("input[type=datetime-local] >> nth=0", "2020-01-01T08:00");
found.preview = (await phone.textContent(".preview-of .plain-text")).trim();
await look(phone, "away-phone");
await phone.click("form .main");
await phone.waitForSelector(".state:has-text('is on')");
found.script = (await jmap(["Rules/get", { ids: null }]))[0].list[0].text.includes("vacation :days 7 \"Back on Monday.\"");

// Forwarding: the code comes to the other account.
await phone.goto(phone.url().replace("away", "forwarding"));
await phone.waitForSelector("#addresses");
await phone.fill("#addresses input[type=email]", friend);
await phone.click("#addresses form > button");
await phone.waitForSelector("#addresses input.code");
let code = null;
while (!code) {
  const [, emails] = await jmapOf(friend, ["Email/query", {}], ["Email/get", { "#ids": { resultOf: "0", name: "Email/query", path: "/ids" }, properties: ["textBody", "bodyValues"], fetchTextBodyValues: true }]);
  code = emails.list.map((one) => /^ +(\d{4} \d{4})\s*$/m.exec(Object.values(one.bodyValues)[0].value)?.[1]).find(Boolean);
}
await phone.fill("#addresses input.code", "0000 0000");
await phone.click("#addresses li .main");
await phone.waitForSelector("#addresses li .fault:not(:empty)");
await phone.fill("#addresses input.code", code);
await phone.click("#addresses li .main");
await phone.click("#all [role=switch]");
await phone.waitForSelector("#all [role=switch] >> nth=1");
await look(phone, "forwarding-phone");
found.forwarding = (await jmap(["Rules/get", { ids: null }]))[0].list[0].forwarding;
await phone.goto(phone.url().replace("forwarding", "rules"));
await phone.waitForSelector(".rule");
await look(phone, "rules-phone");
await phone.click(".rule .rule-name >> nth=1");
await phone.waitForSelector(".modal");
await look(phone, "rules-editor-phone");
await done(found);
