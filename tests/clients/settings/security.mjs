/** What opens an account: password, app password, authenticator app, recovery codes, passkeys; devices that wait for approval. */

import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { join } from "node:path";
import { PHONE, address, cdp, done, look, more, open, password, pictures, url } from "./rig.mjs";

const [imapPort] = more;
const found = {};

/** Whether a mail program gets in. */
function imap(secret) {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(imapPort), "127.0.0.1");
    let [text, asked] = ["", false];
    socket.on("error", reject);
    socket.on("close", () => resolve("closed"));
    socket.on("data", (data) => {
      text += data;
      if (!asked && text.includes("\r\n")) {
        asked = true;
        socket.write(`a LOGIN ${address} "${secret}"\r\n`);
      }
      const answer = /^a (OK|NO|BAD)/m.exec(text);
      if (answer) {
        socket.end();
        resolve(answer[1]);
      }
    });
  });
}

/** RFC 6238, as an app does it. */
function totp(secret, at = Date.now()) {
  const bits = [...secret.replace(/\s/g, "")].map((char) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(char).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const page = await open("/mail/settings/security");
await page.waitForSelector("#app-passwords .about");
await look(page, "security");

// A password is judged while it is typed; the old one has to be right.
const judged = async (text) => {
  await page.fill("#password input[autocomplete=new-password]", text);
  return page.textContent("#strength strong");
};
found.judged = [await judged("woaini1314"), await judged("sun12345678"), await judged("qwertyuiop2024"), await judged("四匹马 渡江 tulip 1")];
await page.fill("#password input[autocomplete=current-password]", "not this one");
await page.click("#password .main");
await page.waitForSelector("#password .fault:not(:empty)");
found.wrong = await page.textContent("#password .fault");
await page.fill("#password input[autocomplete=current-password]", password);
await page.click("#password .main");
await page.waitForSelector(".notice:has-text('密码已修改')");
const next = "四匹马 渡江 tulip 1";
found.oldPassword = await imap(password);

// An app password; the server asks who it is first.
let asked = false;
await page.route("**/api/v1/self/app-passwords", (route) => {
  if (asked || route.request().method() !== "POST") return route.fallback();
  asked = true;
  return route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ type: "/api/v1/problems/reauthenticate", status: 401 }) });
});
await page.click("#app-passwords .main");
await page.fill(".modal .field input", "手机邮件");
await page.selectOption(".modal select", "90");
await look(page, "app-password-new");
await page.click(".modal .main");
await page.waitForSelector(".modal :text('确认是您本人')");
await look(page, "again");
await page.fill(".modal input[type=password]", next);
await page.click(".modal:has(input[type=password]) .main");
await page.waitForSelector(".password-once");
await page.click(".password-once .copy");
found.copied = await page.evaluate(() => navigator.clipboard.readText());
found.shown = (await page.textContent(".password-once code")).replaceAll(" ", "") === found.copied;
await look(page, "app-password-made");
await page.click(".modal .main");
await page.waitForSelector("#app-passwords .things strong");
// Three dialogs followed each other: the keyboard is back where the first was opened.
found.focus = await page.evaluate(() => document.activeElement.matches("#app-passwords .main"));
found.app = await imap(found.copied);

// A passkey, by a device in software.
const session = await cdp(page);
await session.send("WebAuthn.enable");
await session.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
});
await page.click("#passkeys > header button");
await page.fill(".modal input", "我的笔记本");
await page.click(".modal .main");
await page.waitForSelector("#passkeys .things :text('我的笔记本')");
await page.click("#passkeys [aria-label='给“我的笔记本”改名']");
await page.fill(".modal input", "办公室");
await page.click(".modal .main");
await page.waitForSelector("#passkeys .things :text('办公室')");

// Two steps: an app, codes to print, and the page knows.
await page.click("#totp button");
await page.waitForSelector(".qr path");
await page.click(".modal summary");
const secret = (await page.textContent(".secret code")).trim();
await look(page, "totp");
await page.fill(".modal input.code", "000000");
await page.click(".modal .main");
await page.waitForSelector(".modal .fault:not(:empty)");
await page.fill(".modal input.code", totp(secret));
await page.click(".modal .main");
await page.waitForSelector(".codes li");
found.codes = await page.locator(".codes li").count();
await page.emulateMedia({ media: "print" });
await page.screenshot({ path: join(pictures, "recovery-print.png") });
await page.emulateMedia({ media: "screen" });
await page.click(".modal .actions button:last-child");
found.withTwo = [await imap(next), await imap(found.copied)];

// The second step of "it is you", by the passkey alone.
asked = false;
await page.click("#app-passwords .main");
await page.fill(".modal .field input", "电脑");
await page.click(".modal .main");
await page.click(".modal :text('使用通行密钥')");
await page.waitForSelector(".password-once");
await page.click(".modal .main");
await page.click("[aria-label='吊销“手机邮件”']");
await page.click(".modal .main");
await page.waitForFunction(() => document.querySelectorAll("#app-passwords .things strong").length === 1);
found.revoked = await imap(found.copied);
await page.click("#two-step .danger");
await page.click(".modal .main");
await page.waitForSelector("#recovery", { state: "detached" });
await look(page, "security-after");

// Devices: a new one has to wait, and is let in.
await page.goto(`${url}/mail/settings/devices#alerts`);
await page.click("#alerts label:has-text('先等我批准')");
await page.click("#alerts .main");
await page.waitForSelector(".notice:has-text('已保存')");
found.held = await imap(next);
await page.reload();
await page.waitForSelector("#held .main");
await look(page, "devices");
await page.click("#held .main");
await page.waitForSelector("#held .main", { state: "detached" });
found.approved = await imap(next);
found.outcomes = await page.$$eval("#sign-ins td:nth-child(2)", (cells) => cells.map((cell) => cell.textContent));
found.browsers = (await page.locator("#sessions li").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
await page.setViewportSize(PHONE);
await page.emulateMedia({ colorScheme: "dark" });
await look(page, "devices-phone");
await page.goto(`${url}/mail/settings/security`);
await page.waitForSelector("#app-passwords .things strong");
await look(page, "security-phone");
await done(found);
