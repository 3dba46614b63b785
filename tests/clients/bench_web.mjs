/**
 * Figures of the webmail: `node bench_web.mjs CHROMIUM URL ADDRESS PASSWORD SUBMISSION_PORT`; one JSON document.
 *
 * Every step has a bound; what takes longer ends with its name and with what the page shows.
 */

import { bounded, launch } from "./browser.mjs";
import { submission } from "./submission.mjs";

const [chromium, url, address, password, port] = process.argv.slice(2);
const ROUNDS = 5;
const KEYS = 60;
const OPENED = 15;
const LETTERS = 100;
const SCROLLS = 120;
const STEP_S = 60;
/** The first search of a mailbox reads it, until there is an index. */
const FIRST_SEARCH_S = 400;
const browser = await launch(chromium);
const found = {};
const rounds = {};
const note = (name, value) => (rounds[name] ??= []).push(value);
const sorted = (list) => [...list].sort((one, other) => one - other);
const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))];

/** In the page: when something is there, and how long keys take to be seen. */
const tools = () => {
  window.when = (test, begun = performance.now()) =>
    new Promise((resolve) => {
      const look = () => {
        const value = test();
        if (value) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
        else requestAnimationFrame(look);
      };
      look();
    });
  // The list is there: rows, or that there are none.
  window.ready = () =>
    [...document.querySelectorAll(".folder")].some((one) => one.textContent.includes("Big")) &&
    (document.querySelector(".row:not(.waiting)") || document.querySelector(".list .nothing"));
  window.visit = (name) => [...document.querySelectorAll(".folder")].find((one) => one.textContent.includes(name)).click();
  window.listed = (name) => document.querySelector(".list h1").textContent === name && document.querySelector(".row:not(.waiting)");
  window.press = (key) => dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  window.blocks = [];
  new PerformanceObserver((list) => window.blocks.push(...list.getEntries().map((one) => one.duration))).observe({ entryTypes: ["longtask"] });
};

async function fresh() {
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, locale: "en" });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_S * 1000);
  await page.addInitScript(tools);
  return page;
}

let page = await fresh();
const step = (name, work, seconds = STEP_S) => bounded(page, name, seconds, work);
/** A figure that the page itself measures. */
const measure = (key, run, ...words) => step(key, async () => note(key, await page.evaluate(run, ...words)));
const blocks = () => page.evaluate(() => Math.max(0, ...window.blocks.splice(0)));

for (let round = 0; round < ROUNDS; round += 1) {
  if (round > 0) {
    await page.context().close();
    page = await fresh();
  }
  await step("first load", async () => {
    await page.goto(`${url}/mail/`);
    await page.waitForSelector("button.main");
  });
  await measure("first_ms", () => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await page.click("button.main");
  await page.fill("[name=address]", address);
  await page.fill("[name=password]", password);
  note("signin_ms", await step("sign in", async () => {
    await page.keyboard.press("Enter");
    await page.waitForSelector(".folders .folder:has-text('Big')");
    await page.waitForFunction(() => ready());
  }));
  await page.reload();
  await measure("reload_ms", () => when(ready, 0));
  await measure("mailbox_ms", () => {
    const begun = performance.now();
    visit("Big");
    return when(() => listed("Big"), begun);
  });
  await measure("jump_ms", () => {
    const box = document.querySelector(".scroll");
    const begun = performance.now();
    box.scrollTop = box.scrollHeight / 2;
    return when(() => box.scrollTop > 1000 && document.querySelector(".row") && !document.querySelector(".row.waiting"), begun);
  });
  // Frames while somebody scrolls on through rows that have to be fetched.
  await step("scroll", async () => {
    const frames = await page.evaluate(async (count) => {
      const box = document.querySelector(".scroll");
      const spent = [];
      for (let n = 0, last = await new Promise(requestAnimationFrame); n < count; n += 1) {
        box.scrollTop += 90;
        const now = await new Promise(requestAnimationFrame);
        spent.push(now - last);
        last = now;
      }
      return spent;
    }, SCROLLS);
    note("frame_p50_ms", at(frames, 0.5));
    note("frame_max_ms", Math.max(...frames));
  });
  await page.evaluate(() => (document.querySelector(".scroll").scrollTop = 0));
  await page.waitForFunction(() => document.querySelector("#row-0"));
  await page.keyboard.press("Home");
}

// Keys move the cursor: from the event to the frame in which it stands elsewhere.
await step("keys", async () => {
  const keys = await page.evaluate(async (count) => {
    const spent = [];
    for (let n = 0; n < count; n += 1) {
      const before = document.querySelector(".row.current").id;
      const begun = performance.now();
      press("j");
      spent.push(await when(() => document.querySelector(".row.current")?.id !== before, begun));
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return spent;
  }, KEYS);
  found.key_p50_ms = at(keys, 0.5);
  found.key_p95_ms = at(keys, 0.95);
});

/** Letters one after the other, each fetched while the one before was read: the text is there, and in a frame its styles are applied. */
async function leaf(name, folder, text) {
  await page.evaluate((folder) => visit(folder), folder);
  await page.waitForFunction((folder) => listed(folder), folder);
  await page.evaluate(() => press("Home"));
  await page.keyboard.press("Enter");
  await page.waitForSelector(text);
  const spent = [];
  for (let n = 0; n < OPENED; n += 1) {
    await page.waitForTimeout(700); // it is being read
    spent.push(await page.evaluate(() => {
      const before = document.querySelector(".reader .title").textContent;
      const begun = performance.now();
      press("j");
      const there = () => {
        const frame = document.querySelector(".letter iframe.body");
        if (frame) return !frame.hasAttribute("aria-busy") && frame.contentDocument?.body?.childElementCount > 0;
        return document.querySelector(".letter .plain-text");
      };
      return when(() => document.querySelector(".reader .title")?.textContent !== before && there(), begun);
    }));
  }
  await page.keyboard.press("u");
  found[`${name}_p50_ms`] = at(spent, 0.5);
  found[`${name}_p95_ms`] = at(spent, 0.95);
}
await step("open letters", () => leaf("open", "Big", ".letter .plain-text"));
await step("open letters in HTML", () => leaf("html", "Newsletters", ".letter iframe.body"));

const search = (words) =>
  page.evaluate((words) => {
    const box = document.getElementById("search");
    const begun = performance.now();
    box.focus();
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    const empty = () => document.querySelector(".list :is(.empty, .nothing)");
    return when(() => document.querySelector(".list h1").textContent.includes(words) && (document.querySelector(".row:not(.waiting)") || (empty() && !empty().textContent.includes("Loading"))), begun);
  }, words);
found.first_search_ms = await step("first search", () => search("罕见词"), FIRST_SEARCH_S);
await step("search, until the index is there", async () => {
  for (let tries = 0; (await search(`罕见词 ${"x".repeat(tries % 2)}`.trim())) > 500; tries += 1) await page.waitForTimeout(3000);
}, FIRST_SEARCH_S);
for (const words of ["罕见词", "合同 number", "nothing-like-it", "subject:发票", "from:zhang7 会议"]) {
  await step(`search ${words}`, async () => {
    await search("from:zhang3");
    note("search_ms", await search(words));
  });
}

await step("back to the inbox", async () => {
  await page.evaluate(() => visit("Inbox"));
  await page.waitForFunction(() => document.querySelector(".list h1").textContent === "Inbox");
  await page.evaluate(() => document.activeElement.blur());
});

for (let round = 0; round < ROUNDS; round += 1) {
  await step("write", async () => {
    await page.keyboard.press("c");
    await page.waitForSelector(".compose [role=combobox]:focus");
    await page.keyboard.type(address);
    await page.keyboard.press(","); // a chip, whatever was suggested
    await page.waitForSelector(".compose .chip");
    await page.fill(".compose .line input", `round ${round}`);
    await page.waitForSelector(".compose iframe[data-ready]");
    await page.frameLocator(".compose iframe").locator("#editor").click();
    await page.keyboard.type("Some words.");
  });
  note("send_ms", await step("send", async () => {
    await page.keyboard.press("Control+Enter");
    const asked = page.waitForSelector(".compose .question, .compose .fault:not(:empty)").then(() => "a question or a fault", () => "");
    const what = await Promise.race([page.waitForSelector(".compose", { state: "detached" }).then(() => ""), asked]);
    if (what) throw new Error(`${what} instead of the letter going out`);
  }));
}

// A letter comes: from the server's 250 to its row.
const smtp = await submission(Number(port), address, password);
await page.evaluate(() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const one of document.querySelectorAll(".row .subject")) window.seen[one.textContent.trim()] ??= Date.now();
  }).observe(document.querySelector(".scroll"), { subtree: true, childList: true, characterData: true });
});
const spent = [];
for (let n = 0; n < LETTERS; n += 1) {
  await step(`letter ${n} arrives`, async () => {
    const subject = `news ${n}`;
    const sent = await smtp.send(subject);
    await page.waitForFunction((text) => window.seen[text], subject);
    spent.push(Math.max(0, (await page.evaluate((text) => window.seen[text], subject)) - sent));
  }, 15);
}
smtp.close();
found.new_p50_ms = at(spent, 0.5);
found.new_p99_ms = at(spent, 0.99);
found.block_ms = await blocks();

for (const [name, list] of Object.entries(rounds)) found[name] = at(list, 0.5);
console.log(JSON.stringify(found));
await browser.close();
