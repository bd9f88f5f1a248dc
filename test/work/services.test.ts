/** What the application shares with its handlers. Types are part of it: `npm run types` checks the expected errors. */
import { expect, it } from 'vitest';
import {
  createOrchestrator,
  type HandlerContext,
  type Handlers,
  type Middleware,
  versions,
} from '../../src/index.js';
import { testKit } from '../../src/testing/index.js';
import { action, chain, plan } from '../support/plans.js';

interface Services {
  readonly rates: ReadonlyMap<string, number>;
}
const services: Services = { rates: new Map([['eur', 1.1]]) };

it('S189 are the very objects, for handlers in phases, versions, checks, fallbacks and compensations, after a restart too', async () => {
  const seen = new Map<string, unknown>();
  const note = (_: unknown, { services: given, node }: HandlerContext<Services>) => {
    seen.set(node, given);
  };
  const handlers: Handlers<Services> = {
    work: versions({ '1': note }),
    judge: (_, context) => seen.set('judge', context.services) && true,
    fails() {
      throw new Error('boom');
    },
    phases: { exec: note, post: note },
    inClass: class {
      exec(input: unknown, context: HandlerContext<Services>) {
        note(input, context);
      }
    },
  };
  const kit = await testKit({ handlers, services });
  const nodes = [
    action('a', {
      checks: [{ name: 'ok', handler: 'judge' }],
      compensate: { handler: 'phases' },
    }),
    { kind: 'sleep', id: 'night', duration: '1h' },
    action('b', { handler: 'fails', onFailure: 'fallback', fallback: { handler: 'inClass' } }),
    action('c', { handler: 'fails' }),
  ];
  const run = await kit.start(plan(nodes, chain('a', 'night', 'b', 'c')).plan);
  await kit.restart();
  await kit.settle(run);
  expect([...seen.keys()].sort()).toEqual(['a', 'b', 'judge', '~/a']);
  for (const given of seen.values()) expect(given).toBe(services);
});

it('S189 have the types of what was given, in handlers, phases, middleware and the test kit', () => {
  const url = 'never-opened.db';
  const wrong: readonly (() => unknown)[] = [
    // @ts-expect-error: there is no `rate`.
    () => createOrchestrator({ url, services, handlers: { a: (_, c) => c.services.rate } }),
    () =>
      createOrchestrator({
        ...{ url, services },
        // @ts-expect-error: there is no `rate`.
        handlers: { a: { exec: (_, context) => context.services.rate } },
      }),
    () =>
      createOrchestrator<Services>({
        ...{ url, services },
        // @ts-expect-error: there is no `rate`.
        handlers: { a: versions({ '1': (_, context) => context.services.rate }) },
      }),
    () =>
      createOrchestrator({
        ...{ url, services, handlers: {} },
        // @ts-expect-error: there is no `rate`.
        middleware: [{ before: ({ context }) => context.services.rate }],
      }),
    // @ts-expect-error: the handler needs other services.
    () => createOrchestrator({ url, services, handlers: { other } }),
    // @ts-expect-error: and so does the middleware.
    () => createOrchestrator({ url, services, handlers: {}, middleware: [foreign] }),
    // @ts-expect-error: the handler needs services, and none are given.
    () => createOrchestrator({ url, handlers: { other } }),
    // @ts-expect-error: and so does the middleware.
    () => createOrchestrator({ url, handlers: {}, middleware: [foreign] }),
    // @ts-expect-error: none are given.
    () => testKit({ handlers: { other } }),
    // @ts-expect-error: there is no `rate`.
    () => testKit({ services, handlers: { a: (_, context) => context.services.rate } }),
  ];
  expect(wrong).toHaveLength(10);
});

const other = (_: unknown, context: HandlerContext<{ readonly mail: string }>) =>
  context.services.mail;
const foreign: Middleware<{ readonly mail: string }> = {
  before: ({ context }) => context.services.mail,
};
