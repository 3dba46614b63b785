/** A letter with formats and pictures, and an answer to a hostile one: `node compose.mjs CHROMIUM ZHANG_URL LI_URL PASSWORD PICTURES`. */

import { launch, look, open, openLetter, signIn } from "./browser.mjs";
import { PHONE, PICTURE, undoFor, editor, send, transfer, write } from "./writing.mjs";

const [chromium, zhangUrl, liUrl, password, pictures] = process.argv.slice(2);
const found = { ran: [] };
const browser = await launch(chromium);
const page = await open(browser, zhangUrl, found, { locale: "zh-CN" });
page.on("dialog", (dialog) => {
  found.ran.push(dialog.message());
  void dialog.dismiss();
});
await signIn(page, "zhang@qq.test", password);
await undoFor(page, 0);

// Formats, by keyboard, by signs and by the tools; Chinese that is still being entered sends nothing.
let text = await write(page, ["李 <li@163.test>"], "格式与图片");
await text.click();
const input = await page.context().newCDPSession(page);
await input.send("Input.imeSetComposition", { text: "nihao", selectionStart: 5, selectionEnd: 5 });
await text.evaluate((node) => node.dispatchEvent(new node.ownerDocument.defaultView.KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, isComposing: true, bubbles: true })));
await input.send("Input.insertText", { text: "你好，" });
found.composing = await page.locator(".compose").count();
await page.keyboard.type("**粗体** 和 _斜体_ 和 ");
await page.keyboard.press("Control+u");
await page.keyboard.type("下划线");
await page.keyboard.press("Control+u");
await page.keyboard.press("Enter");
await page.keyboard.type("- 一");
await page.keyboard.press("Enter");
await page.keyboard.type("二");
await page.keyboard.press("Enter");
await page.keyboard.press("Enter");
await page.keyboard.type("链接");
await page.keyboard.press("Shift+Home");
await page.keyboard.press("Control+k");
await page.waitForSelector(".linking input:focus");
await page.keyboard.type("example.test/甲");
await page.keyboard.press("Enter");
await page.waitForSelector(".linking", { state: "detached" });
await text.focus();
await page.keyboard.press("End");
await page.keyboard.press("Enter");
await page.click(".formats [aria-label=文字颜色]");
await page.click(".choices button:has-text('蓝')");
await page.keyboard.type("蓝色");
await page.keyboard.press("Enter");
await transfer(text, "paste", { files: [{ name: "印章.png", mime: "image/png", base64: PICTURE }] });
await transfer(text, "paste", {
  data: {
    "text/html": `<p onclick="alert(1)">粘贴<script>alert(1)</script><img src=x onerror=alert(1)><img src="http://evil.test/p.gif">
      <img src="data:image/png;base64,${PICTURE}" alt="within"></p>`,
  },
});
await transfer(page.locator(".compose .head"), "drop", { files: [{ name: "报告.txt", mime: "text/plain", base64: btoa("report") }] });
await page.waitForSelector(".compose .files li:not(:has(progress))");
await look(page, found, pictures, "compose");
found.html = await text.innerHTML();
await page.waitForSelector(".state:has-text('草稿已保存')");
await text.focus();
await page.keyboard.press("Control+z");
await page.keyboard.press("Control+y");
found.again = await text.innerHTML();
found.asked = await send(page);

// To plain text and back; a forgotten attachment, no subject, a wrong address.
text = await write(page, ["wang@qq.test", "wrong@"], "");
await text.click();
await page.keyboard.type("请见附件。");
await page.keyboard.press("Control+Enter");
await page.waitForSelector(".compose .fault:has-text('wrong@')");
await page.click(".chip.bad button");
await page.keyboard.press("Control+Enter");
await page.waitForSelector(".compose .question");
found.doubts = await page.locator(".compose .question p").allTextContents();
await page.keyboard.press("Escape");
await page.click("[aria-label=更多选项]");
await page.click(".choices button:has-text('纯文本')");
await page.waitForSelector(".compose textarea");
found.plain = await page.inputValue(".compose textarea");
await page.fill(".compose .line input", "纯文本");
await page.fill(".compose textarea", "一行\n\n两行 & <b>");
await send(page);
await page.evaluate(() => localStorage.removeItem("compose.plain"));

// An answer to a letter that attacks: what is quoted is harmless.
await openLetter(page, "attack");
await page.keyboard.press("r");
text = await editor(page);
await text.waitFor();
found.quote = await page.textContent(".quoted small");
await page.click(".quoted button >> nth=0");
await page.waitForSelector(".quoted", { state: "detached" });
await page.waitForTimeout(300);
found.hostile = await text.innerHTML();
await text.press("Control+Home");
await page.keyboard.type("安全的回答");
await look(page, found, pictures, "compose-quote");
await send(page);

// The whole original as a file.
await openLetter(page, "attack");
await page.keyboard.press("f");
await editor(page);
await page.click(".quoted button:has-text('作为附件转发')");
await page.waitForSelector(".compose .files .name:has-text('.eml')");
await page.click(".compose [role=combobox]");
await page.keyboard.type("wang@qq.test");
await page.keyboard.press("Enter");
found.enclosed = await send(page);

// Who reads it on a phone answers there, in the dark.
const li = await open(browser, liUrl, found, { size: PHONE, locale: "en", dark: true });
await signIn(li, "li@163.test", password);
await undoFor(li, 0);
await openLetter(li, "格式与图片");
await li.click(".more button:has-text('Reply')");
text = await editor(li);
await text.click();
await li.keyboard.type("Got it");
found.head = await li.textContent(".quoted small");
await look(li, found, pictures, "compose-phone-dark");
await li.click(".quoted button >> nth=1");
await li.waitForSelector(".quoted small:has-text('wrote:')");
found.english = await li.textContent(".quoted small");
await send(li);
await page.waitForSelector(".row:has-text('Re: 格式与图片')");

console.log(JSON.stringify(found));
await browser.close();
