/** Recipients, signatures, templates and wishes: `node wishes.mjs CHROMIUM URL PASSWORD PICTURES`. */

import { launch, look, open, openLetter, signIn } from "./browser.mjs";
import { PHONE, editor, send, undoFor, write } from "./writing.mjs";

const [chromium, url, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found, { locale: "zh-CN" });
await signIn(page, "wang@qq.test", password);
await undoFor(page, 0);

// A signature, and an address that is not one's own.
let text = await write(page, ["李四 <li@163.test>"], "签名");
await page.waitForTimeout(300);
await page.click("[aria-label=更多选项]");
await page.click(".choices button:has-text('发件人与签名')");
await page.waitForSelector("dialog iframe[data-ready]");
await page.click("dialog button:has-text('添加发件人')");
await page.waitForSelector("dialog [name=email]");
await page.fill("dialog [name=email]", "li@163.test");
await page.click("dialog .main");
await page.waitForSelector("dialog .fault:has-text('不能用这个地址')");
await page.click("dialog .acts button >> nth=0");
await page.waitForSelector("dialog [name=email]", { state: "detached" });
await page.waitForSelector("dialog iframe[data-ready]");
const signature = page.frameLocator("dialog iframe").locator("#editor");
await signature.click();
await page.keyboard.type("王 敬上");
await look(page, found, pictures, "signature");
await page.click("dialog .main");
await page.waitForSelector(".notice:has-text('已保存')");
await page.click("dialog [aria-label=关闭]");
await page.waitForSelector("dialog", { state: "detached" });
await page.keyboard.press("Escape");
await page.click(".compose [aria-label=关闭]").catch(() => undefined);
await page.waitForSelector(".compose", { state: "detached" });

// It stands in the next letter, which becomes a template.
text = await write(page, [], "周报");
found.signed = (await text.innerText()).trim();
await text.press("Control+Home");
await page.keyboard.type("本周进展：");
await page.click("[aria-label=更多选项]");
await page.click(".choices button:has-text('存为模板')");
await page.waitForSelector(".notice:has-text('周报')");

// A letter that is here goes along as a file; what was changed takes the place of the template.
const option = async (text) => {
  await page.click("[aria-label=更多选项]");
  await page.click(`.choices button:has-text('${text}')`);
};
await option("附上一封邮件");
await page.click(".rows li button >> nth=0");
await page.waitForSelector(".rows li button:disabled");
await look(page, found, pictures, "attach-letter");
await page.click("dialog [aria-label=关闭]");
found.attached = await page.locator(".compose [aria-label^='移除'][aria-label$='.eml']").count();
await page.click(".compose [aria-label^='移除'][aria-label$='.eml']");
await option("更新模板");
// Their page: one more, with a name of its own, put in front by the keyboard; the letter waits meanwhile.
await option("管理模板");
await page.click("#templates header .main");
await page.waitForSelector("dialog iframe[data-ready]");
await page.fill("dialog [name=name]", "问候客户");
await page.fill("dialog [name=subject]", "问候");
await page.frameLocator("dialog iframe").locator("#editor").click();
await page.keyboard.type("来信收到。");
await look(page, found, pictures, "template");
await page.click("dialog .main");
await page.waitForSelector("dialog", { state: "detached" });
const names = page.locator(".rule strong");
const first = await names.first().textContent();
await page.focus(".rule >> nth=1 >> .rule-name");
await page.keyboard.press("Alt+ArrowUp");
await page.waitForFunction((text) => document.querySelector(".rule strong").textContent !== text, first);
found.order = await names.allTextContents();
await look(page, found, pictures, "templates");
await page.click(".aside li button >> nth=0");
await page.waitForSelector(".compose iframe[data-ready]");
await page.click("[aria-label=更多选项]");
found.templates = (await page.locator(".choices button:has-text('模板：')").allTextContents()).map((one) => one.trim());
await page.keyboard.press("Escape");
await page.click(".compose [aria-label=舍弃草稿]");
await page.click(".compose .question .main");
await page.waitForSelector(".compose", { state: "detached" });

await page.click(".sections [aria-label=返回邮箱]");
await page.waitForSelector(".list h1:not(:empty)");

// A letter from the template, with wishes, to somebody who resembles a person that is known.
await write(page, ["li@163.test"], "认识");
await send(page);
await page.keyboard.press("c");
await page.waitForSelector(".compose [role=combobox]:focus");
await page.keyboard.type("li");
await page.waitForSelector(".found [role=option]");
found.suggested = await page.locator(".found [role=option]").allTextContents();
await look(page, found, pictures, "suggested");
await page.keyboard.press("Enter");
await page.waitForSelector(".chip");
await page.keyboard.type("li@l63.test，");
text = await editor(page);
await page.click("[aria-label=更多选项]");
await page.click(".choices button:has-text('模板：周报')");
await page.waitForFunction(() => document.querySelector(".compose .line input").value === "周报");
for (const wish of ["要求已读回执", "重要邮件"]) {
  await page.click("[aria-label=更多选项]");
  await page.click(`.choices button:has-text('${wish}')`);
}
await page.waitForSelector(".wishes");
found.text = (await text.innerText()).replace(/\s+/g, " ").trim();
await page.click(".split > .main");
await page.waitForSelector(".compose .question");
found.warned = await page.locator(".compose .question p").allTextContents();
await look(page, found, pictures, "warned");
await page.click(".compose .question button >> nth=1");
await page.click(".chip >> nth=1 >> button");
await send(page);

// Of an original of very many elements the words are quoted.
await openLetter(page, "long original");
await page.keyboard.press("r");
await page.waitForSelector(".notice:has-text('只引用了它的文字')");
text = await editor(page);
await page.click(".quoted button >> nth=0");
await page.waitForSelector(".quoted", { state: "detached" });
found.words = (await text.innerText()).split("\n").filter((line) => line.trim()).slice(-5001);
found.words = [found.words.length, ...new Set(found.words)];
await page.click(".compose [aria-label=关闭]");
await page.waitForSelector(".compose", { state: "detached" });
// The answer stays with it as a draft; the key for passing on, as a file, means the letter that came.
await openLetter(page, "long original");
await page.waitForSelector(".letter .more button:has-text('草稿')");
await page.keyboard.press("f");
await page.waitForSelector(".compose [aria-label^='移除'][aria-label$='.eml']");
found.enclosed = await page.locator(".compose .quoted").count();
await page.click(".compose [aria-label=舍弃草稿]");
await page.click(".compose .question .main");
await page.waitForSelector(".compose", { state: "detached" });

const phone = await open(browser, url, found, { size: PHONE, locale: "en", dark: true });
await signIn(phone, "wang@qq.test", password);
await phone.click(".only-narrow");
await phone.click(".folders .write");
await phone.waitForSelector(".compose iframe[data-ready]");
await phone.click("[aria-label='More options']");
await phone.waitForSelector(".choices button:has-text('Template: 周报')");
await look(phone, found, pictures, "options-phone-dark");

console.log(JSON.stringify(found));
await browser.close();
