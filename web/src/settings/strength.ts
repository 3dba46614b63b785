/** How hard a password is to guess, judged in the browser alone: nothing is sent anywhere. */

import type { Key } from "./security.text";

/** Passwords and their beginnings that leaked lists start with, Chinese ones too. */
const COMMON =
  "123456 12345678 123456789 1234567890 password passw0rd qwerty qwertyuiop abc123 abcd1234 a123456 a123456789 aa123456 woaini woaini1314 5201314 iloveyou 1314520 zxcvbnm asdfghjkl 1q2w3e4r 1qaz2wsx qazwsx q1w2e3r4 admin admin123 welcome letmein monkey dragon football baseball sunshine princess master login hello freedom whatever trustno1 superman batman posthouse changeme default secret test1234 wodemima mima1234 88888888 66666666 11111111 00000000 147258369 123123123 987654321 789456123 zhang123 wang123 li123456 qq123456 asd123456 caonima";
const WORDS = new Set(COMMON.split(" "));
const ROWS = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc"];
const LEAST = 8;

export interface Judgement {
  score: 0 | 1 | 2 | 3;
  advice: Key[];
}

export function judge(password: string, own: string[]): Judgement {
  const low = password.toLowerCase();
  const plain = low.replaceAll("0", "o").replaceAll("@", "a").replaceAll("$", "s").replace(/[!.?]+$/, "");
  const advice: Key[] = [];
  if (password.length < LEAST) return { score: 0, advice: ["advice.short"] };
  if (WORDS.has(low) || WORDS.has(plain) || WORDS.has(low.replace(/\d{1,4}$/, ""))) return { score: 0, advice: ["advice.common"] };
  let bits = 0;
  let named = 0;
  for (const word of own.flatMap((one) => one.toLowerCase().split(/[^\p{L}\p{N}]+/u)).filter((one) => one.length > 2)) {
    if (low.includes(word)) named = Math.max(named, word.length);
  }
  const patterned = rows(low);
  const dates = (low.match(/(19|20)\d\d(0[1-9]|1[0-2])?([0-2]\d|3[01])?/g) ?? []).join("").length;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\p{L}\p{N}]/u, /[^\x00-\x7f]/u].filter((kind) => kind.test(password)).length;
  const distinct = new Set(low).size;
  const free = Math.max(0, Math.min(password.length, distinct * 2) - named - patterned - dates * 0.7);
  bits = free * [2.5, 3.3, 3.9, 4.4, 4.8, 5.2][kinds]!;
  if (named > 0) advice.push("advice.name");
  if (patterned > 0) advice.push("advice.row");
  if (dates > 0) advice.push("advice.date");
  const score = bits < 25 ? 0 : bits < 40 ? 1 : bits < 55 ? 2 : 3;
  if (score < 3 && advice.length === 0) advice.push("advice.longer");
  if (score === 3) advice.push("advice.good");
  return { score, advice };
}

/** How many characters stand in rows (of the alphabet, the keyboard) or repeat what stands before them. */
function rows(text: string): number {
  let found = 0;
  for (let at = 0; at + 3 <= text.length; ) {
    let length = /^(.)\1{2,}/.exec(text.slice(at))?.[0].length ?? 0;
    for (const row of ROWS) {
      for (const way of [row, [...row].reverse().join("")]) {
        let end = at + 3;
        while (end <= text.length && way.includes(text.slice(at, end))) end += 1;
        if (end - 1 - at >= 3) length = Math.max(length, end - 1 - at);
      }
    }
    found += length > 0 ? length - 1 : 0;
    at += Math.max(1, length);
  }
  return found;
}

const LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789";

/** Four groups of five, about 116 bits of chance. */
export function madeUp(): string {
  const bytes = [];
  while (bytes.length < 20) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < LETTERS.length * Math.floor(256 / LETTERS.length)) bytes.push(LETTERS[byte % LETTERS.length]);
  }
  return bytes.join("").replace(/(.{5})(?!$)/g, "$1-");
}
