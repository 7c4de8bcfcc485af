import { defineConfig } from "vite";

// What is built is committed, and the same source has to build the same bytes: names by content, no dates, no maps.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    // A data: address would be against the page's policy.
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8090" } },
});
