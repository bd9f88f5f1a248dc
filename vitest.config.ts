import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Worker threads that the tests start are no business of vitest's transformer.
    execArgv: ['--import', './test/persistence/support/typescript.mjs'],
  },
});
