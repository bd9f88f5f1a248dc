import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUDIT_HANDLERS, AUDIT_PLAN, Workplace } from './support/workplace.js';

const place = new Workplace();
let unfinished = '';

beforeAll(async () => {
  place.addDocuments();
  unfinished = place.write(
    'unfinished.yaml',
    'title: Half\nnodes:\n  - { kind: acton, id: a }\nedges: []\n',
  );
  place.write('broken.yaml', 'title: "open\nnodes: [');
  place.write('empty.mjs', 'export const nothing = 1;');
  place.write('throws.mjs', 'throw new Error("not today")');
  place.write('large.json', JSON.stringify({ folder: 'x'.repeat(5_000_000) }));
  const words = ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', 'asked'];
  await place.cli(...words, '--input', '{"pauseMs": 0}');
});
afterAll(() => place.leave());

interface Slip {
  readonly slip: string;
  readonly words: () => readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const slips: readonly Slip[] = [
  { slip: 'no command', words: () => [], code: 2, says: /Usage: runchart/ },
  { slip: 'a command that is none', words: () => ['rnu'], code: 2, says: /unknown command 'rnu'/ },
  {
    slip: 'an option that is none',
    words: () => ['runs', '--al'],
    code: 2,
    says: /unknown option '--al'/,
  },
  {
    slip: 'a status that is none',
    words: () => ['runs', '--status', 'done'],
    code: 2,
    says: /Allowed choices are pending/,
  },
  {
    slip: 'a plan that is not there',
    words: () => ['run', 'nowhere.yaml'],
    code: 2,
    says: /there is no nowhere\.yaml/,
  },
  {
    slip: 'a folder for a plan',
    words: () => ['validate', 'docs'],
    code: 2,
    says: /cannot read docs/,
  },
  {
    slip: 'a plan that is no YAML',
    words: () => ['run', 'broken.yaml'],
    code: 2,
    says: /blocking invalid-yaml/,
  },
  {
    slip: 'a plan with faults',
    words: () => ['run', unfinished],
    code: 2,
    says: /blocking unknown-kind \/nodes\/0\/kind .*\(.*action/,
  },
  {
    slip: 'no handlers',
    words: () => ['run', AUDIT_PLAN],
    code: 2,
    says: /handler-missing: no handler is registered for .*"audit\/list"/,
  },
  {
    slip: 'a module without handlers',
    words: () => ['run', AUDIT_PLAN, '--handlers', 'empty.mjs'],
    code: 2,
    says: /empty\.mjs exports no handlers/,
  },
  {
    slip: 'a module that throws',
    words: () => ['run', AUDIT_PLAN, '--handlers', 'throws.mjs'],
    code: 2,
    says: /could not be loaded: not today/,
  },
  {
    slip: 'an input that does not fit',
    words: () => [
      'run',
      AUDIT_PLAN,
      '--handlers',
      AUDIT_HANDLERS,
      '--input',
      '{"pauseMs": "long"}',
    ],
    code: 2,
    says: /input-invalid[\s\S]*\/pauseMs/,
  },
  {
    slip: 'an input that is no JSON',
    words: () => ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--input', '{"pauseMs": '],
    code: 2,
    says: /neither JSON nor YAML/,
  },
  {
    slip: 'an input that is too large to be kept',
    words: () => ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--input', 'large.json'],
    code: 2,
    says: /at \/folder: Larger than 4194304 bytes\nhint: put what is large where handlers can reach it/,
  },
  {
    slip: 'an id that is none',
    words: () => ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', 'a b'],
    code: 2,
    says: /"a b" is no run id/,
  },
  {
    slip: 'an id of another start',
    words: () => ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', 'asked'],
    code: 1,
    says: /run-conflict/,
  },
  {
    slip: 'a run that is not there',
    words: () => ['show', 'nobody'],
    code: 1,
    says: /run-unknown: there is no run nobody/,
  },
  {
    slip: 'a database that is not there',
    words: () => ['runs', '--db', 'none.db'],
    code: 1,
    says: /There is no database at .*none\.db[\s\S]*hint:/,
  },
  {
    slip: 'a database that is none',
    words: () => ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--db', 'README.md'],
    code: 1,
    says: /not-a-database/,
  },
  {
    slip: 'no answer',
    words: () => ['respond', 'asked'],
    code: 2,
    says: /no answer is given[\s\S]*--approve/,
  },
  {
    slip: 'two answers',
    words: () => ['respond', 'asked', '--approve', '--reject'],
    code: 2,
    says: /several answers are given/,
  },
  {
    slip: 'an answer to nobody',
    words: () => ['respond', 'nobody', '--approve'],
    code: 2,
    says: /neither a task nor a run nobody/,
  },
  {
    slip: 'an answer that does not fit',
    words: () => ['respond', 'asked', '--response', '{"approved": "yes"}'],
    code: 2,
    says: /response-invalid[\s\S]*\/approved/,
  },
  {
    slip: 'an artifact that is not there',
    words: () => ['show', 'asked', '--artifact', 'report'],
    code: 2,
    says: /no accepted version of artifact "report"/,
  },
  {
    slip: 'neither plan nor run',
    words: () => ['diagram'],
    code: 2,
    says: /name either a plan or/,
  },
  {
    slip: 'a port that is none',
    words: () => ['serve', '--port', '99999'],
    code: 2,
    says: /--port expected whole number, 0 to 65535/,
  },
];

describe('a careless user', () => {
  it.each(slips)(
    'who gives $slip is told so, with exit code $code',
    async ({ words, code, says }) => {
      const ended = await place.cli(...words());
      expect(ended.stderr).toMatch(says);
      expect(ended.code).toBe(code);
      expect(ended.stderr).not.toMatch(/^\s+at /m);
    },
  );

  it('leaves the task open after an answer that does not fit (S131)', async () => {
    await place.cli('respond', 'asked', '--response', '{"approved": 1}');
    const { tasks } = JSON.parse((await place.cli('show', 'asked', '--json')).stdout);
    expect(tasks).toHaveLength(1);
  });
});
