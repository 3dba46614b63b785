/** General settings: two devices agree, everything can be done by keyboard, a link leads to one setting. */

import { PHONE, done, letter, look, open } from "./rig.mjs";

const found = {};
const desk = await open("/mail/settings/general#zone");
await desk.waitForSelector("#zone.sought");
found.path = new URL(desk.url()).pathname + new URL(desk.url()).hash;
found.heading = await desk.textContent(".pane h1");
await look(desk, "general");

// The language by a click, the theme by the arrow keys, compact rows.
await desk.click("#language label:has-text('English')");
await desk.waitForSelector(".pane h1:has-text('General')");
await desk.focus("#theme [value=auto]");
await desk.keyboard.press("ArrowRight");
await desk.keyboard.press("ArrowRight");
await desk.waitForSelector(":root[data-theme=dark]");
await desk.click("#density label:has-text('Compact')");
await desk.selectOption("#zone select", "America/New_York");
await look(desk, "general-dark");

// Another device has them at once, where the first signs in there.
const phone = await open("/mail/settings", { size: PHONE, locale: "zh-CN" });
await phone.waitForSelector(".sections a");
found.phone = await phone.evaluate(() => ({ ...document.documentElement.dataset, lang: document.documentElement.lang }));
await look(phone, "sections-phone");
await phone.fill(".sections input", "时区");
await phone.click(".sections li a");
await phone.waitForSelector("#zone select");
found.zone = await phone.inputValue("#zone select");
await look(phone, "general-phone");
await phone.click("#theme label:has-text('Light')");
await desk.waitForSelector(":root[data-theme=light]");
await phone.click(".pane header a");
await phone.waitForSelector(".sections input");
found.back = new URL(phone.url()).pathname;

// Search, and the way back to the mail by the keyboard alone.
await desk.focus(".sections input");
await desk.keyboard.type("notif");
await desk.waitForSelector(".sections li a:has-text('Desktop notifications')");
await desk.keyboard.press("Tab");
await desk.keyboard.press("Enter");
await desk.waitForSelector("#notify.sought");
await desk.focus(".pane h1");
await desk.keyboard.press("Escape");
await desk.waitForSelector(".list");
found.density = await desk.evaluate(() => document.documentElement.dataset.density);
await desk.reload();
await desk.waitForSelector(".list");
found.after = await desk.evaluate(() => [document.documentElement.dataset.density, document.documentElement.lang]);

// Signatures are edited where letters are written.
await desk.goto(desk.url().replace(/mail\/.*/, "mail/settings/senders"));
await desk.waitForSelector("#senders .things strong");
await desk.click("#senders .main");
await desk.waitForSelector("dialog[open] h2");
await desk.keyboard.press("Escape");
await look(desk, "senders");

// A letter is told of while nobody looks.
const watch = await open("/mail/settings/general#notify", { permissions: ["notifications"] });
await watch.evaluate(() => {
  window.told = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title, { body }) {
      window.told.push(`${title}: ${body.split("\n")[0]}`);
    }
    close() {}
  };
  document.hasFocus = () => false;
});
const asked = watch.waitForResponse((response) => /Email.get",\{"accountId":"A\d+","ids":\[\]/.test(response.request().postData() ?? ""));
await watch.selectOption("#notify select", "inbox");
await asked;
await letter("春节快乐");
await watch.waitForFunction(() => window.told.length > 0);
// So are those of a team, until the person does not want it.
await letter("给大家", { of: "team@qq.test" });
await watch.waitForFunction(() => window.told.length > 1);
await watch.waitForSelector(".whose label >> nth=1");
await look(watch, "notices");
await watch.locator(".whose label", { hasText: "team@qq.test" }).locator("input").click();
await watch.waitForFunction(() => [...document.querySelectorAll(".whose input")].filter((one) => one.checked).length === 1);
await letter("不用告诉", { of: "team@qq.test" });
await letter("再见");
await watch.waitForFunction(() => window.told.length > 2);
found.told = await watch.evaluate(() => window.told);
await done(found);
