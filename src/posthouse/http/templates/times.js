// Moments in the time zone of who reads the page; without this they are told in UTC.
(() => {
  "use strict";
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const told = (options) => new Intl.DateTimeFormat(language, options);
  for (const one of document.querySelectorAll("time")) {
    const date = new Date(one.dateTime);
    const day = { year: "numeric", month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" };
    const parts = told({ timeZoneName: "long" }).formatToParts(date);
    const zone = parts.find((part) => part.type === "timeZoneName").value;
    one.title = one.textContent;
    one.textContent = told(day).format(date) + (language === "zh-CN" ? `（${zone}）` : ` (${zone})`);
  }
})();
