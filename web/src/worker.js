/* Keeps the pages of the webmail and their scripts; never anything of the mail itself.  FILES and VERSION are put in by the build. */
const FILES = __FILES__;
const CACHE = "posthouse-" + __VERSION__;
const PAGES = ["/mail/", "/mail/frame", "/mail/editor"];

self.addEventListener("install", (event) => {
  // What is not below these addresses never waits for this worker.
  if (event.addRoutes) {
    const outside = { not: { urlPattern: new URLPattern({ pathname: "/mail/*" }) } };
    event.waitUntil(event.addRoutes({ condition: outside, source: "network" }).catch(() => undefined));
  }
  const requests = [...FILES, ...PAGES].map((url) => new Request(url, { cache: "no-cache" }));
  event.waitUntil(caches.open(CACHE).then((cache) => Promise.allSettled(requests.map((one) => cache.add(one)))).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("posthouse-") && name !== CACHE);
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((name) => caches.delete(name)))));
});

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (FILES.includes(pathname)) {
    event.respondWith(caches.match(pathname).then((found) => found ?? fetch(event.request)));
    return;
  }
  const page = pathname.startsWith("/mail/settings") ? "/mail/" : pathname;
  // A page is asked for first: what the server has now is what counts.
  if (PAGES.includes(page)) event.respondWith(fetch(event.request).catch(() => caches.match(page)));
});
