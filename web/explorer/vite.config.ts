import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** A build of its own: what the explorer is made of must not decide how the pages of buyers are cut into files. */
export default defineConfig({
  root: pathOf('.'),
  base: '/explorer/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: pathOf('../../dist/explorer'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The editor is one file of this size.
    chunkSizeWarningLimit: 3_000,
    rolldownOptions: {
      onLog(level, log, handle) {
        // Hints of the React compiler in packages, which has compiled them already.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
});
