import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

/** The worker of the webmail knows the files of this build; those of the other pages are not its business. */
function worker() {
  return {
    name: "worker",
    enforce: "post", // when it is known which files there are
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => /^assets\/(?!lens|admin)/.test(name)).sort();
      const version = createHash("sha256").update(files.join()).digest("hex").slice(0, 12);
      const source = readFileSync(new URL("src/worker.js", import.meta.url), "utf8")
        .replace("__FILES__", JSON.stringify(files.map((name) => `/mail/${name}`)))
        .replace("__VERSION__", JSON.stringify(version));
      this.emitFile({ type: "asset", fileName: "worker.js", source });
    },
  };
}

// The output is served by the node itself from src/posthouse/http/assets: the pages at their own addresses, all else below /mail/.
export default defineConfig({
  base: "/mail/",
  plugins: [worker()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/posthouse/http/assets",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: { mail: "index.html", editor: "editor.html", lens: "lens.html", admin: "admin.html" } },
  },
});
