import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const { resolve } = createRequire(import.meta.url);

export default defineConfig({
  // Two copies of graphql (one for import, one for require) would not know each other's scalars.
  resolve: { alias: [{ find: /^graphql$/, replacement: resolve('graphql') }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['reflect-metadata'],
    // Patience, not promises: where a promise to a person is the subject, the test says so itself.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
    // Tests of one file that run at once wait for the clock rather than work.
    maxConcurrency: 10,
    // What tests switch off they switch off in processes of the product: one worker runs file after file.
    isolate: false,
    reporters: ['default'],
  },
});
