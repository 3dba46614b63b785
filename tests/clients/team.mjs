/** Two members of a team in its mailbox: `node team.mjs CHROMIUM URL ONE OTHER PASSWORD TEAM PICTURES`. */

import { bounded, launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, one, other, password, team, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const [zhang, wang] = await Promise.all([
  open(browser, url, found),
  open(browser, url, found, { size: { width: 390, height: 800 }, dark: true }),
]);
await Promise.all([signIn(zhang, one, password), signIn(wang, other, password)]);

const enter = async (page) => {
  if (!(await page.locator(".accounts").isVisible())) await page.click(".only-narrow");
  await page.selectOption(".accounts", { label: team });
  await page.waitForSelector(".narrow");
  if (await page.locator(".showing-folders").count()) await page.locator(".folder[title^=Inbox]").click();
  await page.waitForSelector(".row:has-text('broken')");
};
await Promise.all([enter(zhang), enter(wang)]);
await Promise.all([openLetter(zhang, "broken"), openLetter(wang, "broken")]);
const take = (page) => page.locator(".team button:has-text('Take it')");
await Promise.all([take(zhang).waitFor(), take(wang).waitFor()]);
await zhang.waitForSelector(".team .others:has-text('looking at this')");

// At the same moment: one has it, the other is told who.
let claims = 0;
let go;
const both = new Promise((resolve) => (go = resolve));
for (const page of [zhang, wang])
  await page.route("**/jmap/api", async (route) => {
    if (route.request().postData()?.includes("Claim/set")) {
      claims += 1;
      if (claims === 2) go();
      await both;
    }
    await route.continue();
  });
await Promise.all([take(zhang).click(), take(wang).click()]);
const says = (page, text) => page.waitForSelector(`.team .who:has-text('${text}')`);
await Promise.race([says(zhang, "You have this"), says(wang, "You have this")]);
const first = (await zhang.locator(".team.mine").count()) === 1 ? zhang : wang;
const second = first === zhang ? wang : zhang;
await says(second, "has this conversation, since");
found.told = await second.locator(".notice").innerText();
found.row = await zhang.locator(".row .tag.has").innerText();
if (first === wang) {
  await second.locator(".team button:has-text('Take over')").click();
  await says(zhang, "You have this");
}
await says(wang, "has this conversation, since");

// Filters.
const rows = async (name) => {
  await zhang.click(`.narrow button:has-text("${name}")`);
  await zhang.waitForSelector(`.narrow [aria-checked=true]:has-text("${name}")`);
  await zhang.waitForSelector(".row:has-text('broken')", { state: name === "Nobody's" ? "detached" : "visible" });
  return zhang.locator(".row:has-text('broken')").count();
};
found.filters = [await rows("Nobody's"), await rows("Mine"), await rows("All")];
await openLetter(zhang, "broken");

// A note that mentions the other one, who is told at once.
const field = zhang.locator(".notes textarea");
await field.fill("Is this the old pump? ");
await field.press("End");
await field.pressSequentially("@w");
await zhang.waitForSelector(".proposals:not([hidden]) [role=option]");
await field.press("Enter");
await field.press("Control+Enter");
await wang.waitForSelector(".note .text mark");
found.note = await wang.locator(".note .text").innerText();
found.theirs = await wang.locator(".note .acts").count();
await wang.click(".tools button[aria-label^=Back]");
await wang.waitForSelector(".mentions li");
found.mention = await wang.locator(".mentions .what").innerText();
await look(wang, found, pictures, "team-list-phone");
await wang.click(".mentions button:has-text('Open')");
await wang.waitForSelector(".note .text mark");
await wang.waitForSelector(".mentions", { state: "detached" });

// Who is answering.  Who comes and goes moves nothing that could be pressed just then.
const place = () => zhang.locator(".letter button:has-text('Reply') >> nth=0").boundingBox();
await zhang.waitForSelector(".team .others:has-text('looking at this too')");
const before = await place();
await wang.click(".tools button[aria-label^=Back]");
await zhang.waitForSelector(".team .others:has-text('Nobody else')");
found.moved = (await place()).y - before.y;
await openLetter(wang, "broken");
await zhang.waitForSelector(".team .others:has-text('looking at this too')");
await zhang.click(".letter button:has-text('Reply') >> nth=0");
await bounded(zhang, "zhang answers", 40, () => zhang.waitForSelector("iframe.text"));
await wang.waitForSelector(".team .live:has-text('answering')");
found.live = await wang.locator(".team .live").innerText();
await look(wang, found, pictures, "team-phone");
found.from = await zhang.locator("select[id^=from-] option:checked").innerText();

// The other one answers nevertheless, and is warned.
await wang.click(".letter button:has-text('Reply') >> nth=0");
await wang.waitForSelector("iframe.text[data-ready]");
await zhang.waitForSelector(".team .live:has-text('answering')");
await look(zhang, found, pictures, "team");
await wang.keyboard.press("Control+Enter");
const question = wang.locator("[role=alertdialog], .question").first();
await question.waitFor();
found.warned = await question.innerText();
await question.locator("button:has-text('Send all the same')").click();
await wang.waitForSelector(".notice:has-text('Sent')");
await zhang.waitForFunction(() => document.querySelectorAll(".letter").length > 1);
await zhang.keyboard.press("Control+Enter");
const again = zhang.locator("[role=alertdialog], .question").first();
await again.waitFor();
found.answered = await again.innerText();

// All accounts in one list, and one search over them.
await again.locator("button:has-text('Go back')").click();
await zhang.locator("button[title='Close (Esc)']").click();
await zhang.click(".folders > .folder:has-text('All inboxes')");
await zhang.waitForSelector(".everywhere .one:has-text('broken')");
await look(zhang, found, pictures, "everywhere");
await zhang.click(".everywhere .one:has-text('broken')");
await says(zhang, "You have this");
await zhang.fill("#search", "pump");
await zhang.waitForSelector(".everywhere h1:has-text('pump')");
await zhang.waitForSelector(".everywhere .one:has-text('support')");
found.everywhere = await zhang.locator(".everywhere .one .tag:not(.has)").allInnerTexts();

// What is chosen of several accounts is acted upon in each of them, and taken back in each.
await zhang.click(".folders > .folder:has-text('All inboxes')");
await zhang.click(".everywhere h1");
const at = (subject) => zhang.locator(`.everywhere .at:has-text("${subject}")`);
await at("broken").waitFor();
await at("for zhang alone").waitFor();
await zhang.waitForFunction(() => !document.querySelector(".reader .title"));
await at("broken").locator("input").click();
await at("for zhang alone").locator("input").click();
found.chosen = await zhang.locator(".bulk b").innerText();
await look(zhang, found, pictures, "everywhere-bulk");
await zhang.keyboard.press("s");
await zhang.waitForFunction(() => document.querySelectorAll(".everywhere .starred").length === 2);
await at("broken").locator("input").click();
await at("for zhang alone").locator("input").click();
await zhang.keyboard.press("v");
await zhang.waitForSelector("dialog.pick li");
found.places = await zhang.locator("dialog.pick li").allInnerTexts();
await zhang.keyboard.press("Escape");
await zhang.keyboard.press("e");
await zhang.waitForSelector(".notice:has-text('Moved to Archive')");
await zhang.waitForFunction(() => !/broken|for zhang alone/.test(document.querySelector(".everywhere").innerText));
await zhang.click(".notice button:has-text('Undo')");
await at("broken").waitFor();
await at("for zhang alone").waitFor();
// Keys without a choice are about the row under the cursor.
await at("for zhang alone").locator("button.one").focus();
await zhang.keyboard.press("#");
await at("for zhang alone").waitFor({ state: "detached" });
found.left = await at("broken").count();
console.log(JSON.stringify(found));
await browser.close();
