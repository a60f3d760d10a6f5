import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Where each page of its own begins: the app, and the explorer of the schema. */
const ENTRIES = { app: './index.html', explorer: './explorer/index.html' };

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  root: pathOf('.'),
  plugins: [react()],
  build: {
    outDir: pathOf('../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    // What is embedded as a data: URL is refused by the Content-Security-Policy, but for images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: Object.fromEntries(
        Object.entries(ENTRIES).flatMap(([name, path]) => (existsSync(pathOf(path)) ? [[name, pathOf(path)]] : [])),
      ),
    },
  },
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:4000', ws: true } } },
});
