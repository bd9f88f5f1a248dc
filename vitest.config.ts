import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/seed.ts'],
    // On two cores the default is one at a time, while tests of commands wait for their processes.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Worker threads that the tests start are no business of vitest's transformer.
    execArgv: ['--import', './test/persistence/support/typescript.mjs'],
  },
});
