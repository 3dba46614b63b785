/** What a browser calls itself, in two words; other programs have names. */
export function programOf(text: string): string {
  if (!text.startsWith("Mozilla/")) return text;
  const browser = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([mark]) => text.includes(mark!))?.[1];
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((name) => text.includes(name));
  return [browser, system].filter(Boolean).join(" · ") || text;
}
