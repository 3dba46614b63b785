/** Keys and buttons that are pressed before what they are about is there: `node reading_early.mjs CHROMIUM URL ADDRESS PASSWORD PICTURES`. */

import { bounded, launch, look, open, openLetter, signIn } from "./browser.mjs";

const [chromium, url, address, password, pictures] = process.argv.slice(2);
const found = {};
const browser = await launch(chromium);
const page = await open(browser, url, found);

/** Requests that `of` is true for wait from now on until the answer is called, which lets them go, or has them fail. */
async function hold(pattern, of = () => true) {
  let release = null;
  const gate = new Promise((resolve) => (release = resolve));
  const caught = [];
  const handle = async (route) => {
    if (!of(route.request())) return route.fallback();
    const done = gate.then((whole) => (whole ? route.continue() : route.abort()));
    caught.push(done);
    return done;
  };
  await page.route(pattern, handle);
  return async (whole = true) => {
    release(whole);
    await Promise.all(caught);
    await page.unroute(pattern, handle);
  };
}
const bodies = (request) => (request.postData() ?? "").includes("fetchHTMLBodyValues");
const script = (name) => hold(`**/assets/${name}-*.js`);
const step = (name, work) => bounded(page, name, 40, work);
const subject = () => page.inputValue(".compose .line input");
/** Nothing was written in them, so they leave nothing behind. */
const closeAll = async () => {
  for (let left = await page.locator(".compose, .aside li").count(); left > 0; left -= 1) {
    await page.click(":is(.compose, .aside) button.plain[aria-label^=Close] >> nth=0");
    await page.waitForFunction((most) => document.querySelectorAll(".compose, .aside li").length < most, left);
  }
};

await signIn(page, address, password);
await page.waitForSelector(".row:has-text('early 1')");

await step("the windows for writing fail to load: it is told, and the next press works", async () => {
  await openLetter(page, "early 4");
  await page.waitForSelector(".letter .more");
  const letGo = await script("desk");
  await page.keyboard.press("r");
  await page.waitForSelector(".coming");
  found.shown = await page.textContent(".coming");
  await look(page, found, pictures, "early-coming");
  await letGo(false);
  await page.waitForSelector(".notice:has-text('cannot be reached')");
  await page.waitForSelector(".coming", { state: "detached" });
});

await step("two different wishes while the windows load, one of them pressed twice", async () => {
  const letGo = await script("desk");
  await page.click(".letter .more button:has-text('Reply') >> nth=0");
  await page.click(".letter .more button:has-text('Reply') >> nth=0");
  await page.click(".folders .write");
  await letGo();
  await page.waitForSelector(".compose");
  await page.waitForSelector(".aside li:has-text('Re: early 4')");
  found.windows = [await subject(), await page.locator(".aside li").allTextContents()];
  await closeAll();
});

// The next one below would be there already.
await step("reply to a letter that is still on its way", async () => {
  await page.keyboard.press("Escape");
  const letGo = await hold("**/jmap/**", bodies);
  await page.click(".row:has-text('early 1')");
  await page.keyboard.press("r");
  await page.waitForSelector(".reader .empty");
  found.early = await page.locator(".compose").count();
  await letGo();
  await page.waitForSelector(".compose");
  found.reply = await subject();
  await closeAll();
});

await step("keys for what is open go to that, not to what was open before", async () => {
  await page.keyboard.press("Escape");
  const letGo = await hold("**/jmap/**", bodies);
  await page.click(".row:has-text('early 2')");
  await page.keyboard.press("e");
  await letGo();
  await page.waitForSelector(".notice:has-text('Archive')");
  await page.waitForFunction(() => ![...document.querySelectorAll(".row")].some((one) => one.textContent.includes("early 2")));
});

await step("what is typed for a dialog that is not there yet is no command", async () => {
  await openLetter(page, "early 3");
  await page.waitForSelector(".letter .more");
  const letGo = await script("pick");
  await page.keyboard.press("v");
  await page.waitForSelector(".coming");
  await page.keyboard.type("are#");
  await letGo();
  await page.waitForSelector(".pick input");
  found.after = [await page.locator(".compose").count(), await page.locator(".row:has-text('early 3')").count()];
  await page.keyboard.press("Escape");
  await page.waitForSelector(".pick", { state: "detached" });
});

await step("reply from the list: the letter under the cursor is opened for it", async () => {
  await page.keyboard.press("Escape");
  await page.keyboard.press("Home");
  await page.keyboard.press("r");
  await page.waitForSelector(".compose");
  found.fromList = await subject();
  await closeAll();
});

await browser.close();
process.stdout.write(JSON.stringify(found));
