// Reads and writes mail as a program built on jmap-jam does: node jam.mjs SESSION_URL TOKEN ADDRESS
import assert from "node:assert/strict";

import { JamClient } from "jmap-jam";

const [sessionUrl, token, address] = process.argv.slice(2);

// Node.js has no EventSource, and that of browsers sends no credentials: what the library needs of one.
globalThis.EventSource = class {
  constructor(url) {
    this.ended = new AbortController();
    this.reader = this.open(url);
  }

  async open(url) {
    const headers = { Authorization: `Bearer ${token}`, Accept: "text/event-stream" };
    const answer = await fetch(url, { headers, signal: this.ended.signal });
    assert.equal(answer.headers.get("content-type").split(";")[0], "text/event-stream");
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read(); // the greeting: from here on nothing is missed
    return reader;
  }

  async delivery() {
    const reader = await this.reader;
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      assert(!done, "the event source ended");
      text += value;
      for (const [, data] of text.matchAll(/^event: state\n(?:id: .*\n)?data: (.*)\n\n/gm)) {
        if (data.includes("EmailDelivery")) return JSON.parse(data);
      }
    }
  }
};

const jam = new JamClient({ sessionUrl, bearerToken: token });
const accountId = await jam.getPrimaryAccount();

const [{ list: boxes }] = await jam.api.Mailbox.get({ accountId, ids: null });
const box = Object.fromEntries(boxes.filter((one) => one.role).map((one) => [one.role, one.id]));
assert.deepEqual(["drafts", "inbox", "sent", "trash"].filter((role) => !box[role]), []);
const [{ ids: roots }] = await jam.api.Mailbox.query({ accountId, filter: { role: "inbox" } });
assert.deepEqual(roots, [box.inbox]);

// A letter with an attachment, written as a draft and sent to ourselves.
const source = await jam.connectEventSource({ types: ["Email", "EmailDelivery"], ping: 0 });
await source.reader;
const content = "客户端,1\n";
const blob = await jam.uploadBlob(accountId, content, {
  headers: { Authorization: jam.authHeader, "Content-Type": "text/csv" },
});
assert.equal(blob.size, new TextEncoder().encode(content).length);
const [{ identities }] = await jam.requestMany((t) => ({ identities: t.Identity.get({ accountId }) }));
const [{ made, sent }] = await jam.requestMany((t) => {
  const made = t.Email.set({
    accountId,
    create: {
      letter: {
        mailboxIds: { [box.drafts]: true },
        keywords: { $draft: true, $seen: true },
        from: [{ name: "李", email: address }],
        to: [{ name: null, email: address }],
        subject: "从程序来的信",
        bodyValues: { text: { value: "A letter of a program.\n" } },
        textBody: [{ partId: "text", type: "text/plain" }],
        attachments: [{ blobId: blob.blobId, type: "text/csv", name: "表.csv", disposition: "attachment" }],
      },
    },
  });
  const sent = t.EmailSubmission.set({
    accountId,
    create: { s: { emailId: "#letter", identityId: identities.list[0].id } },
    onSuccessUpdateEmail: {
      "#s": { [`mailboxIds/${box.drafts}`]: null, [`mailboxIds/${box.sent}`]: true, "keywords/$draft": null },
    },
  });
  return { made, sent };
});
assert(made.created.letter.id);
assert.equal(sent.notCreated ?? null, null);

// The event of its delivery, then the letter.
const change = await source.delivery();
assert(change.changed[accountId].EmailDelivery);
source.ended.abort();
const [{ list: answer }] = await jam.requestMany((t) => {
  const query = t.Email.query({ accountId, filter: { inMailbox: box.inbox, subject: "程序来的" }, limit: 1 });
  const list = t.Email.get({
    accountId,
    ids: query.$ref("/ids"),
    properties: ["id", "subject", "from", "keywords", "attachments", "textBody", "bodyValues", "mailboxIds"],
    fetchTextBodyValues: true,
  });
  return { query, list };
});
const [letter] = answer.list;
assert.equal(letter.subject, "从程序来的信");
assert.deepEqual(letter.from, [{ name: "李", email: address }]);
assert.deepEqual(letter.keywords, {});
assert.equal(letter.bodyValues[letter.textBody[0].partId].value, "A letter of a program.\n");
const [file] = letter.attachments;
assert.deepEqual([file.name, file.type], ["表.csv", "text/csv"]);
const download = await jam.downloadBlob({ accountId, blobId: file.blobId, mimeType: file.type, fileName: file.name });
assert.equal(await download.text(), content);

// Flags, what changed, and the copy that was sent.
const [{ state }] = await jam.api.Email.get({ accountId, ids: [] });
const [{ updated }] = await jam.api.Email.set({
  accountId,
  update: { [letter.id]: { "keywords/$seen": true, "keywords/$flagged": true } },
});
assert(letter.id in updated);
const [changes] = await jam.api.Email.changes({ accountId, sinceState: state });
assert.deepEqual(changes.updated, [letter.id]);
const [{ ids: flagged }] = await jam.api.Email.query({ accountId, filter: { hasKeyword: "$flagged" } });
assert.deepEqual(flagged, [letter.id]);
const [{ list: copies }] = await jam.api.Email.get({ accountId, ids: [made.created.letter.id] });
assert.deepEqual([copies[0].mailboxIds, copies[0].keywords], [{ [box.sent]: true }, { $seen: true }]);
await assert.rejects(jam.api.Email.get({ accountId: "A999999", ids: [] }), { type: "accountNotFound" });
console.log(JSON.stringify({ subject: letter.subject, flagged }));
