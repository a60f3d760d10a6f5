import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

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
  },
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:4000', ws: true } } },
});
