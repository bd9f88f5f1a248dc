import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { licences } from './licences.js';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The page of the inspector: all that it needs is in its own files. */
export default defineConfig({
  root: file('.'),
  base: './',
  logLevel: 'warn',
  // The layout engine goes into its worker as it is.
  plugins: [licences([file('../node_modules/elkjs')])],
  build: {
    outDir: file('../dist/inspector'),
    emptyOutDir: true,
    target: 'es2022',
    // The layout engine is one file of this size, in a worker of its own.
    chunkSizeWarningLimit: 2_000,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [file('index.html'), file('stately.html')],
      // A directive for servers that render React, of which there is none; and how long what took.
      onLog: (level, log, report) => {
        if (!['MODULE_LEVEL_DIRECTIVE', 'PLUGIN_TIMINGS'].includes(log.code ?? ''))
          report(level, log);
      },
    },
  },
  worker: { format: 'es' },
});
