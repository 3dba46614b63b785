import { defineConfig } from "vite";

// The output is served by the node itself from src/posthouse/http/assets: the pages at their own addresses, all else below /mail/.
export default defineConfig({
  base: "/mail/",
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
