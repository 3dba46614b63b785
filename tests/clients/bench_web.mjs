/** Figures of the webmail: `node bench_web.mjs CHROMIUM URL ADDRESS PASSWORD SUBMISSION_PORT`; one JSON document. */

import net from "node:net";
import { launch } from "./browser.mjs";

const [chromium, url, address, password, port] = process.argv.slice(2);
const ROUNDS = 5;
const KEYS = 60;
const LETTERS = 100;
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
    (document.querySelector(".row:not(.waiting)") || document.querySelector(".list .empty")?.textContent === "Nothing here");
  window.blocks = [];
  new PerformanceObserver((list) => window.blocks.push(...list.getEntries().map((one) => one.duration))).observe({ entryTypes: ["longtask"] });
};

async function fresh() {
  const context = await browser.newContext({ viewport: { width: 1400, height: 860 }, locale: "en" });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.addInitScript(tools);
  return page;
}

let page;
for (let round = 0; round < ROUNDS; round += 1) {
  page = await fresh();
  await page.goto(`${url}/mail/`);
  await page.waitForSelector("button.main");
  note("first_ms", await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  await page.click("button.main");
  await page.fill("[name=address]", address);
  await page.fill("[name=password]", password);
  const begun = Date.now();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".folders .folder:has-text('Big')");
  await page.waitForFunction(() => ready());
  note("signin_ms", Date.now() - begun);
  await page.reload();
  note("reload_ms", await page.evaluate(() => when(ready, 0)));
  note("mailbox_ms", await page.evaluate(() => {
    const begun = performance.now();
    [...document.querySelectorAll(".folder")].find((one) => one.textContent.includes("Big")).click();
    return when(() => document.querySelector(".list h1").textContent === "Big" && document.querySelector(".row:not(.waiting)"), begun);
  }));
  note("scroll_ms", await page.evaluate(() => {
    const box = document.querySelector(".scroll");
    const begun = performance.now();
    box.scrollTop = box.scrollHeight / 2;
    return when(() => box.scrollTop > 1000 && document.querySelector(".row") && !document.querySelector(".row.waiting"), begun);
  }));
  await page.evaluate(() => (document.querySelector(".scroll").scrollTop = 0));
  await page.waitForFunction(() => document.querySelector("#row-0"));
  await page.keyboard.press("Home");
  if (round < ROUNDS - 1) await page.context().close();
}

// Keys move the cursor: from the event to the frame in which it stands elsewhere.
const keys = await page.evaluate(async (count) => {
  const spent = [];
  for (let n = 0; n < count; n += 1) {
    const before = document.querySelector(".row.current").id;
    const begun = performance.now();
    dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    spent.push(await when(() => document.querySelector(".row.current")?.id !== before, begun));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  return spent;
}, KEYS);
found.key_p50_ms = at(keys, 0.5);
found.key_p95_ms = at(keys, 0.95);

// The next letter was fetched while this one was read.
await page.keyboard.press("Enter");
await page.waitForSelector(".letter .plain-text");
for (let round = 0; round < ROUNDS; round += 1) {
  await page.waitForTimeout(600);
  note("open_ms", await page.evaluate(() => {
    const before = document.querySelector(".row.current").id;
    const begun = performance.now();
    dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
    return when(() => document.querySelector(".row.current")?.id !== before && document.querySelector(".letter .plain-text"), begun);
  }));
}
await page.keyboard.press("u");

// The first search has the index made; then it is warm.
const search = (words) =>
  page.evaluate((words) => {
    const box = document.getElementById("search");
    const begun = performance.now();
    box.focus();
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    return when(() => document.querySelector(".list h1").textContent.includes(words) && document.querySelector(".row:not(.waiting), .list .empty") && !document.querySelector(".list .empty")?.textContent.includes("Loading"), begun);
  }, words);
for (let tries = 0; tries < 60 && (await search(`罕见词 ${"x".repeat(tries % 2)}`.trim())) > 500; tries += 1) await page.waitForTimeout(3000);
for (const words of ["罕见词", "合同 number", "nothing-like-it", "subject:发票", "from:zhang7 会议"]) {
  await search("from:zhang3");
  note("search_ms", await search(words));
}

await page.evaluate(() => [...document.querySelectorAll(".folder")].find((one) => one.textContent.includes("Inbox")).click());
await page.waitForFunction(() => document.querySelector(".list h1").textContent === "Inbox");

for (let round = 0; round < ROUNDS; round += 1) {
  await page.keyboard.press("c");
  await page.waitForSelector(".compose iframe[data-ready]");
  await page.keyboard.type(address);
  for (const text of ["", `round ${round}`, "Some words."]) {
    await page.keyboard.press("Tab");
    await page.keyboard.type(text);
  }
  const begun = Date.now();
  await page.keyboard.press("Control+Enter");
  await page.waitForSelector(".compose", { state: "detached" });
  note("send_ms", Date.now() - begun);
}

// A letter comes: from the server's 250 to its row.
const smtp = await submission();
await page.evaluate(() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const one of document.querySelectorAll(".row .subject")) window.seen[one.textContent.trim()] ??= Date.now();
  }).observe(document.querySelector(".scroll"), { subtree: true, childList: true, characterData: true });
});
const spent = [];
for (let n = 0; n < LETTERS; n += 1) {
  const subject = `news ${n}`;
  const sent = await smtp.send(subject);
  await page.waitForFunction((text) => window.seen[text], subject);
  spent.push(Math.max(0, (await page.evaluate((text) => window.seen[text], subject)) - sent));
}
smtp.close();
found.new_p50_ms = at(spent, 0.5);
found.new_p99_ms = at(spent, 0.99);
found.block_ms = Math.max(0, ...(await page.evaluate(() => window.blocks)));

for (const [name, list] of Object.entries(rounds)) found[name] = at(list, 0.5);
console.log(JSON.stringify(found));
await browser.close();

async function submission() {
  const socket = net.connect(Number(port), "127.0.0.1");
  let waiting = null;
  let text = "";
  socket.on("data", (data) => {
    text += data;
    if (/^\d{3} [^\n]*\n$/m.test(text) && waiting) {
      const [done, answer] = [waiting, text];
      waiting = null;
      text = "";
      done(answer);
    }
  });
  const ask = (line) =>
    new Promise((resolve) => {
      waiting = resolve;
      if (line) socket.write(`${line}\r\n`);
    });
  await ask("");
  await ask("EHLO bench");
  await ask(`AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString("base64")}`);
  return {
    async send(subject) {
      await ask(`MAIL FROM:<${address}>`);
      await ask(`RCPT TO:<${address}>`);
      await ask("DATA");
      const answer = await ask(`From: ${address}\r\nTo: ${address}\r\nSubject: ${subject}\r\n\r\nnews\r\n.`);
      if (!answer.startsWith("250")) throw new Error(answer);
      return Date.now();
    },
    close: () => socket.end(),
  };
}
