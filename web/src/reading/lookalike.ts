/** Names and domains that are made to be taken for others.  Pure: no page, no server. */

import type { Address, Email } from "../jmap";

/** Letters of other scripts, and figures, that look like Latin ones. */
const ALIKE: Record<string, string> = {
  а: "a", ɑ: "a", α: "a", в: "b", ь: "b", с: "c", ϲ: "c", ԁ: "d", е: "e", ё: "e", є: "e", ε: "e", ɡ: "g", һ: "h", н: "h", і: "i", ї: "i", ι: "i",
  ı: "i", ј: "j", к: "k", κ: "k", ӏ: "l", м: "m", п: "n", η: "n", о: "o", ο: "o", σ: "o", օ: "o", р: "p", ρ: "p", ԛ: "q", г: "r", ѕ: "s", т: "t", τ: "t",
  υ: "u", ц: "u", ν: "v", ѵ: "v", ш: "w", ԝ: "w", ω: "w", х: "x", χ: "x", у: "y", γ: "y", "0": "o", "1": "l", "3": "e", "5": "s", "|": "l", "!": "l",
};

/** Domains that are imitated most. */
const FAMOUS = [
  "paypal.com", "apple.com", "icloud.com", "microsoft.com", "google.com", "gmail.com", "amazon.com", "facebook.com", "netflix.com", "github.com",
  "linkedin.com", "dropbox.com", "docusign.com", "dhl.com", "fedex.com", "ups.com", "visa.com", "mastercard.com", "chase.com", "hsbc.com",
  "alipay.com", "taobao.com", "tmall.com", "jd.com", "weixin.qq.com", "qq.com", "163.com", "icbc.com.cn", "ccb.com", "boc.cn", "cmbchina.com", "12306.cn",
];

/** What the eye makes of it: letters that look alike are the same. */
export function skeleton(text: string): string {
  const folded = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  let found = "";
  for (const char of folded) found += ALIKE[char] ?? char;
  return found.replace(/rn/g, "m").replace(/vv/g, "w").replace(/cl/g, "d").replace(/i/g, "l");
}

/** Signs that turn the direction of what follows: "exe.fdp" would be read backwards, and so would what stands after it. */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;

/** Names and subject without such signs, which nobody needs there. */
export function straighten(email: Email): Email {
  const people = (list: Address[] | null) => list?.map((one) => (one.name ? { ...one, name: one.name.replace(TURNING, "") } : one)) ?? null;
  return { ...email, from: people(email.from), to: people(email.to), cc: people(email.cc ?? null), subject: email.subject?.replace(TURNING, "") ?? null };
}

/** RFC 3492: what an A-label stands for; the label itself where it is not well formed. */
export function decodeLabel(label: string): string {
  if (!/^xn--/i.test(label)) return label;
  const input = label.slice(4).toLowerCase();
  const cut = input.lastIndexOf("-");
  const output = cut > 0 ? [...input.slice(0, cut)].map((char) => char.codePointAt(0)!) : [];
  let [n, i, bias] = [128, 0, 72];
  for (let at = cut > 0 ? cut + 1 : 0; at < input.length; ) {
    const before = i;
    for (let weight = 1, k = 36; ; k += 36) {
      if (at >= input.length) return label;
      const code = input.charCodeAt(at++);
      const digit = code >= 97 && code <= 122 ? code - 97 : code >= 48 && code <= 57 ? code - 22 : -1;
      if (digit < 0) return label;
      i += digit * weight;
      const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = output.length + 1;
    let delta = before === 0 ? Math.floor((i - before) / 700) : (i - before) >> 1;
    delta += Math.floor(delta / count);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    n += Math.floor(i / count);
    i %= count;
    if (n > 0x10ffff) return label;
    output.splice(i++, 0, n);
  }
  return String.fromCodePoint(...output);
}

export function decodeDomain(domain: string): string {
  return domain.toLowerCase().split(".").map(decodeLabel).join(".");
}

/** Letters of Latin mixed with those of another script in one label, as no language does. */
export function mixesScripts(domain: string): boolean {
  return decodeDomain(domain)
    .split(".")
    .some((label) => /\p{Script=Latin}/u.test(label) && /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u.test(label));
}

/** At most one letter more, fewer, another, or two exchanged. */
export function oneApart(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) return false;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  const [rest, more] = [one.slice(at), other.slice(at)];
  if (rest.slice(1) === more.slice(1) || rest.slice(1) === more || rest === more.slice(1)) return true;
  return rest.length > 1 && rest[0] === more[1] && rest[1] === more[0] && rest.slice(2) === more.slice(2);
}

/** The last two labels, or three where the second is as of a country's own (com.cn). */
export function base(domain: string): string {
  const labels = domain.toLowerCase().split(".");
  const three = labels.length > 2 && labels.at(-1)!.length === 2 && /^(com|net|org|gov|edu|ac|co|ne|or|go)$/.test(labels.at(-2)!);
  return labels.slice(three ? -3 : -2).join(".");
}

/** The known domain that this one is made to be taken for; "" for none. */
export function imitates(domain: string, known: Iterable<string>): string {
  const mine = base(decodeDomain(domain));
  const all = [...new Set([...known, ...FAMOUS])].map((one) => base(decodeDomain(one)));
  if (all.includes(mine)) return "";
  const seen = skeleton(mine);
  for (const one of all) {
    if (skeleton(one) === seen) return one;
    if (one.length >= 7 && oneApart(one, mine)) return one;
    const name = one.split(".")[0]!;
    // bank-login.test for bank.test, paypal.com.evil.test for paypal.com
    if (name.length >= 5 && domain.toLowerCase().startsWith(`${one}.`)) return one;
  }
  return "";
}

/** An address written in a name that is not the address behind it; "" for none. */
export function addressInName(name: string | null, email: string): string {
  const found = /[^\s<>"'()（）]+@[^\s<>"'()（）]+\.[^\s<>"'()（）]+/.exec(name ?? "")?.[0];
  return found && found.toLowerCase() !== email.toLowerCase() ? found : "";
}

const RUNS = /\.(exe|scr|com|pif|bat|cmd|ps1|vbs|vbe|js|jse|wsf|wsh|hta|msi|msp|jar|lnk|cpl|reg|apk|app|dmg|pkg|deb|rpm|sh|iso|img|vhd|chm|gadget)$/i;
const MACROS = /\.(docm|dotm|xlsm|xltm|xlam|pptm|potm|ppam|xll)$/i;
const PAGES = /\.(html?|xhtml|shtml|svg|mht|mhtml|url)$/i;

/** What opening a file of this name can do. */
export function dangerOf(name: string): "runs" | "macros" | "page" | "disguised" | "" {
  const plain = name.trim().replace(/[\s.]+$/, "");
  if (/[\u202a-\u202e\u2066-\u2069]/.test(plain)) return "disguised";
  if (/\.(pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|txt|mp[34])\s*\.\w{2,4}$/i.test(plain) && RUNS.test(plain)) return "disguised";
  if (RUNS.test(plain)) return "runs";
  if (MACROS.test(plain)) return "macros";
  return PAGES.test(plain) ? "page" : "";
}

/** Signs that nobody sees. */
const HIDDEN = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** The host that a link's text names, where its target is on another; "" where they agree or the text names none. */
export function otherHost(shown: string, href: string): string {
  const text = shown.replace(HIDDEN, "");
  // Turned around by a sign, it reads from its end.
  if (text !== shown && /[\u202d\u202e]/.test(shown)) return hostNamed(text, href) || hostNamed([...text].reverse().join(""), href);
  return hostNamed(text, href);
}

function hostNamed(text: string, href: string): string {
  const named = /^\s*(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?:[:/?#]\S*)?\s*$/u.exec(text)?.[1];
  if (!named || /\.(pdf|docx?|xlsx?|txt|jpe?g|png|zip|html?)$/i.test(named)) return "";
  try {
    const target = new URL(href).hostname.toLowerCase();
    return base(decodeDomain(named)) === base(decodeDomain(target)) ? "" : named;
  } catch {
    return "";
  }
}
