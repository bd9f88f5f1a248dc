import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { DEFAULT_DELIVERY_LIMITS } from '../../src/delivery/limits.js';
import * as api from '../../src/index.js';
import { temporaryDirectory } from '../support/temporary.js';

const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
const sources = ['webhook.ts', 'send.ts']
  .map((name) => readFileSync(new URL(`../../src/delivery/${name}`, import.meta.url), 'utf8'))
  .join('\n');

it('S221 docs/webhooks.md shows a program whose receiver verifies what it is sent', async () => {
  const folder = temporaryDirectory();
  const said: unknown[] = [];
  const program = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const servers: Server[] = [];
  const names = {
    ...api,
    createOrchestrator: (options: api.OrchestratorOptions) =>
      api.createOrchestrator({ ...options, url: join(folder, options.url) }),
    createServer: (...args: Parameters<typeof createServer>) => {
      const server = createServer(...args);
      servers.push(server);
      return server;
    },
    Webhook,
    console: { log: (...values: unknown[]) => said.push(values) },
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
  const body = program.replace(/^import .*\n/gm, '');
  await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
  for (const server of servers) server.closeAllConnections();
  expect(said).toEqual([
    ['run.started', 'r1'],
    ['run.completed', 'r1'],
  ]);
});

it('S221 docs/webhooks.md has every code and every limit with its default', () => {
  const codes = [...page.matchAll(/^\| `([a-z-]+)` \| .+ \|$/gm)].map(([, code]) => code ?? '');
  const union = (name: string) =>
    [
      ...(new RegExp(`type ${name} =([^;]*);`).exec(sources)?.[1] ?? '').matchAll(/'([a-z-]+)'/g),
    ].map(([, code]) => code);
  const wanted = [...union('DisableCode'), ...union('DeliveryErrorCode')];
  expect(wanted.length).toBe(9);
  const headers = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  expect(codes.sort()).toEqual([...headers, 'concurrency', ...wanted].sort());
  for (const [name, value] of Object.entries(DEFAULT_DELIVERY_LIMITS)) {
    const row = page
      .split('\n')
      .find((line) => line.startsWith('|') && line.includes(`\`${name}\``));
    expect([name, row]).toEqual([name, expect.stringContaining(value.toLocaleString('en'))]);
  }
});
