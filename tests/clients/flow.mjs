// What imapflow sees and does: flow.mjs PORT USER PASSWORD TASK, JSON on stdout.
import { ImapFlow } from 'imapflow';

const [port, user, pass, task, ...rest] = process.argv.slice(2);
const client = new ImapFlow({
    host: '127.0.0.1', port: Number(port), secure: false, auth: { user, pass }, logger: false,
    clientInfo: { name: 'flow' }
});
const out = value => process.stdout.write(JSON.stringify(value, (_, v) => typeof v === 'bigint' ? Number(v) : v) + '\n');

const tasks = {
    // Every letter of a mailbox: uid, flags, token, size.
    async list(mailbox) {
        const lock = await client.getMailboxLock(mailbox, { readOnly: true });
        const found = [];
        for await (const m of client.fetch('1:*', {
            uid: true, flags: true, size: true, envelope: true, bodyStructure: true, threadId: true,
            headers: ['x-token']
        })) {
            found.push({
                uid: m.uid, flags: [...m.flags].sort(), size: m.size, subject: m.envelope.subject,
                token: /X-Token: (\S+)/i.exec(m.headers.toString())?.[1] ?? '', type: m.bodyStructure.type
            });
        }
        lock.release();
        out(found);
    },
    async append(mailbox, token) {
        const letter = `From: a@example.test\r\nSubject: ${token}\r\nX-Token: ${token}\r\n\r\nfrom imapflow\r\n`;
        out(await client.append(mailbox, letter, ['\\Flagged', '$Flow']));
    },
    async change(mailbox, token) {
        const lock = await client.getMailboxLock(mailbox);
        const uids = await client.search({ header: { 'x-token': token } }, { uid: true });
        await client.messageFlagsAdd(uids, ['\\Answered'], { uid: true });
        const moved = await client.messageMove(uids, 'Archive', { uid: true });
        lock.release();
        out({ found: uids.length, moved: moved.uidMap.size });
    },
    async download(mailbox, token) {
        const lock = await client.getMailboxLock(mailbox);
        const [uid] = await client.search({ header: { 'x-token': token } }, { uid: true });
        const { content } = await client.download(uid, undefined, { uid: true });
        const chunks = [];
        for await (const chunk of content) { chunks.push(chunk); }
        lock.release();
        out(Buffer.concat(chunks).toString('base64'));
    },
    async folders() {
        out((await client.list({ statusQuery: { messages: true, unseen: true } })).map(
            f => ({ path: f.path, use: f.specialUse ?? '', messages: f.status?.messages })));
    },
    // Says "ready", then waits (IDLE) for a new letter, a flag and an expunge, in any order.
    async watch(mailbox) {
        await client.mailboxOpen(mailbox);
        const seen = {};
        const done = new Promise(resolve => {
            const take = (name, value) => {
                seen[name] = value;
                if (Object.keys(seen).length === 3) { resolve(); }
            };
            client.on('exists', e => take('exists', e.count));
            client.on('flags', e => take('flags', [...e.flags].sort()));
            client.on('expunge', e => take('expunge', e.seq ?? e.uid));
        });
        const idling = client.idle();
        out('ready');
        await done;
        out(seen);
        client.close();
        await idling.catch(() => {});
    }
};

await client.connect();
await tasks[task](...rest);
if (client.usable) { await client.logout(); }
