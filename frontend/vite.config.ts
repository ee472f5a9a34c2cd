import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds the API; the built page is served by that same server. */
const server = process.env.LM_DEBUGGER_SERVER ?? "http://127.0.0.1:8000";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "./",
  plugins: [react()],
  resolve: {
    alias: {
      "@": here("./src"),
      "react-style-singleton": here("./src/lib/adopted-style.ts"),
    },
  },
  css: { modules: { localsConvention: "camelCaseOnly" } },
  build: {
    outDir: "../server/lm_debugger/web",
    emptyOutDir: true,
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0,
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/readyz", "/healthz", "/version", "/openapi.json", "/docs"].map((path) => [
        path,
        server,
      ]),
    ),
  },
  test: {
    environment: "jsdom",
    setupFiles: ["./src/test/setup.ts"],
    restoreMocks: true,
    testTimeout: 30_000,
  },
});
