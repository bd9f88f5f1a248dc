import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NODE_TRANSITIONS, RUN_TRANSITIONS } from '../../src/machines/statuses.js';
import { RUN_EVENT_TYPES } from '../../src/run-event-types.js';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/events.md', root), 'utf8');
const folder = new URL('src/actors/', root);
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));
const code = sources.join('\n');

const quoted = (text: string) =>
  [...text.matchAll(/'([a-z]+\.[a-z-]+)'/g)].map(([, type]) => type ?? '');
const bodyOf = (name: string) =>
  new RegExp(`function ${name}\\([\\s\\S]*?\\n}`).exec(code)?.[0] ?? '';

/** What stands as the type in a call of `event(`: literals, or what a function of the decider gives. */
function emittedTypes(): Set<string> {
  const calls = [...code.matchAll(/\bturn\.event\(\s*([^,]+),/g)].map(
    ([, argument]) => argument ?? '',
  );
  const literals = calls.flatMap(quoted);
  const others = calls.filter((argument) => quoted(argument).length === 0);
  expect(others.sort()).toEqual(['event.type', 'nodeEventType(from', 'runEventType(from']);
  const states = /STATE_EVENT_TYPES[\s\S]*?= \{([\s\S]*?)\};/.exec(code)?.[1] ?? '';
  const nodeTable = /NODE_EVENT_TYPES[\s\S]*?= \{([\s\S]*?)\};/.exec(code)?.[1] ?? '';
  const reachable = new Set<string>(Object.values(NODE_TRANSITIONS).flat());
  const nodes = [...nodeTable.matchAll(/'?([a-z-]+)'?: '([a-z.-]+)'/g)]
    .filter(([, status]) => reachable.has(status ?? ''))
    .map(([, , type]) => type ?? '');
  const ends = Object.entries(RUN_TRANSITIONS).filter(([, following]) => following.length === 0);
  return new Set([
    ...literals,
    ...nodes,
    ...quoted(states),
    ...quoted(bodyOf('nodeEventType')),
    ...quoted(bodyOf('runEventType')),
    // What people do with a task has its event's name already.
    ...quoted(bodyOf('eventOf')),
    ...ends.map(([status]) => `run.${status}`),
  ]);
}

describe('docs/events.md', () => {
  it('lists every type of event that is ever recorded, and no other', () => {
    const listed = [...page.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|/gm)].map(
      ([, type]) => type ?? '',
    );
    expect([...new Set(listed)]).toEqual(listed);
    expect([...listed].sort()).toEqual([...emittedTypes()].sort());
    expect([...RUN_EVENT_TYPES].sort()).toEqual([...listed].sort());
  });
});
