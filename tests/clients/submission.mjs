/** A session of submission that sends small letters to its own account; a connection that ends is said, not waited for. */

import net from "node:net";

export async function submission(port, address, password) {
  const socket = net.connect(port, "127.0.0.1");
  let waiting = null;
  let text = "";
  let over = null;
  const end = (error) => {
    over = error ?? new Error(`the server closed the submission: ${text.trim() || "without a word"}`);
    waiting?.reject(over);
  };
  socket.on("error", end).on("close", () => end());
  socket.on("data", (data) => {
    text += data;
    if (/^\d{3} [^\n]*\n$/m.test(text) && waiting) {
      const [{ resolve }, answer] = [waiting, text];
      waiting = null;
      text = "";
      resolve(answer);
    }
  });
  const ask = (line) =>
    new Promise((resolve, reject) => {
      if (over) return reject(over);
      waiting = { resolve, reject };
      if (line) socket.write(`${line}\r\n`);
    });
  await ask("");
  await ask("EHLO client.test");
  await ask(`AUTH PLAIN ${Buffer.from(`\0${address}\0${password}`).toString("base64")}`);
  return {
    /** When the server had it. */
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
