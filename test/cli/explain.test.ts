import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compilePlan } from '../../src/plan/compile.js';
import { parsePlanText } from '../../src/plan/parse.js';
import { Workplace } from './support/workplace.js';

const page = readFileSync(new URL('../../docs/simulate-and-why.md', import.meta.url), 'utf8');
const refund = /```yaml plan\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
/** What the page shows of a command. */
const shown = (command: string) =>
  page.split(`$ npx runchart ${command}\n`)[1]?.split('```')[0] ?? 'not on the page';

const HANDLERS = `export const handlers = {
  check: ({ amount }) => ({ risk: amount > 500 ? 7 : 1 }),
  pay: () => { throw new Error('the bank is closed'); },
  mail: () => 'sent',
};`;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write('refund.yaml', refund);
  place.write('handlers.mjs', HANDLERS);
});
afterEach(() => place.leave());

const withoutTimes = (text: string) =>
  text.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, '2026-01-01 00:00:00 UTC');

async function runRefund(amount: number) {
  const input = JSON.stringify({ amount });
  return place.cli(
    ...['run', 'refund.yaml', '--handlers', 'handlers.mjs', '--id', 'one', '--input', input],
  );
}

describe('simulate', () => {
  it('S217 prints the paths that docs/simulate-and-why.md shows', async () => {
    const parsed = parsePlanText(refund);
    expect(compilePlan(parsed.ok && parsed.draft)).toMatchObject({ ok: true });
    const { code, stdout } = await place.cli('simulate', 'refund.yaml');
    expect([code, stdout]).toEqual([0, shown('simulate refund.yaml')]);
  });

  it('S217 ends with 1 where a node is never reached, and names it', async () => {
    place.write('outputs.yaml', 'check: { risk: 1 }\n');
    const { code, stdout } = await place.cli(
      'simulate',
      'refund.yaml',
      '--outputs',
      'outputs.yaml',
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      'never reached: sign, refuse\nnever taken: check->sign, sign->refuse\n',
    );
  });

  it('S217 prints JSON, the same for the same seed, within a number of paths', async () => {
    const words = [
      'simulate',
      'refund.yaml',
      '--failures',
      '--max-paths',
      '3',
      '--seed',
      '9',
      '--json',
    ];
    const once = await place.cli(...words);
    const simulation = JSON.parse(once.stdout);
    expect(simulation.paths).toHaveLength(3);
    expect(simulation).toMatchObject({ isComplete: false, seed: 9 });
    expect((await place.cli(...words)).stdout).toBe(once.stdout);
  });

  it('S217 takes answers and an input in place of samples', async () => {
    const answers = ['--answers', '{"sign": "rejected"}', '--input', '{"amount": 3}'];
    const { stdout } = await place.cli('simulate', 'refund.yaml', ...answers);
    expect(stdout).toContain('2 paths through "Refund"; these are all');
  });

  it('S217 ends with 2 where the plan or what is given is at fault', async () => {
    place.write('bad.yaml', 'title: Bad\nnodes: []\nedges: []\n');
    expect((await place.cli('simulate', 'bad.yaml')).code).toBe(2);
    expect((await place.cli('simulate', 'refund.yaml', '--outputs', '[1]')).code).toBe(2);
    expect((await place.cli('simulate', 'refund.yaml', '--max-paths', '0')).code).toBe(2);
  });
});

describe('why', () => {
  it('S218 prints the explanation that docs/simulate-and-why.md shows', async () => {
    expect((await runRefund(900)).code).toBe(3);
    const { code, stdout } = await place.cli('why', 'one', 'pay');
    expect([code, withoutTimes(stdout)]).toEqual([0, shown('why one pay')]);
  });

  it('S218 explains a failure of a run in a file, with its attempts', async () => {
    expect((await runRefund(5)).code).toBe(1);
    const { stdout } = await place.cli('why', 'one', 'pay');
    expect(stdout.match(/attempt \d failed, class exception, handler-failed/g)).toHaveLength(3);
    expect(stdout).toContain('  no retry: all 3 tries were used up\n');
    const explained = JSON.parse((await place.cli('why', 'one', 'sign', '--json')).stdout);
    expect(explained).toMatchObject({ node: 'sign', status: 'skipped', generation: 1 });
    expect(explained.causes[1]).toMatchObject({
      code: 'edge-condition',
      detail: { result: false, values: [{ path: 'output.risk', value: 1 }] },
    });
  });

  it('S218 ends with 1 where the run has no such node', async () => {
    await runRefund(900);
    const { code, stderr } = await place.cli('why', 'one', 'nope');
    expect([code, stderr]).toEqual([1, expect.stringContaining('node-unknown')]);
  });
});
