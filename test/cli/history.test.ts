import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tamper } from '../persistence/support/storage.js';
import { Workplace } from './support/workplace.js';

const PLAN = `title: Two steps
nodes:
  - { kind: action, id: one, handler: work }
  - { kind: action, id: two, handler: work }
edges:
  - { source: one, target: two, when: output > 1 }
`;
const HANDLERS = 'export const handlers = { work: () => 2 };';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write('plan.yaml', PLAN);
  place.write('handlers.mjs', HANDLERS);
});
afterEach(() => place.leave());

const run = (id: string) => place.cli('run', 'plan.yaml', '--handlers', 'handlers.mjs', '--id', id);

describe('replay', () => {
  it('S169 prints how the run went, and what it was', async () => {
    await run('one');
    const { code, stdout } = await place.cli('replay', 'one');
    expect(code).toBe(0);
    expect(stdout).toContain('edge.evaluated one');
    expect(stdout).toContain('what is stored agrees');
    expect(stdout).toMatch(/\none +completed +1 +t/);
  });

  it('S169 prints the state at an event, as JSON for programs', async () => {
    await run('one');
    const { code, stdout } = await place.cli('replay', 'one', '--at', '4', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ seq: 4, status: 'running' });
    expect((await place.cli('replay', 'one', '--at', '400')).code).toBe(2);
  });
});

describe('export and import', () => {
  it('S226 take a run to another database, by file and by server', async () => {
    await run('one');
    const written = await place.cli('export', 'one', '--out', 'one.gz', '--gzip');
    expect([written.code, written.stdout]).toEqual([0, '']);
    const nowhere = await place.cli('export', 'one', '--out', 'no/where/one.jsonl');
    expect(nowhere.code).toBe(2);
    expect(nowhere.stderr).toMatch(/one\.jsonl cannot be written: .*\nhint: name a file/);
    const { stdout: text } = await place.cli('export', 'one');
    expect(text.split('\n')[0]).toContain('"format":"runchart-export"');
    place.write('one.jsonl', text);

    const other = ['--db', 'other.db'];
    const first = await place.cli('import', 'one.gz', ...other);
    expect([first.code, first.stdout]).toMatchObject([
      0,
      expect.stringContaining('run one is here'),
    ]);
    const again = await place.cli('import', 'one.jsonl', ...other);
    expect(again.stdout).toContain('was here already');
    const replayed = await place.cli('replay', 'one', ...other);
    expect([replayed.code, replayed.stdout.includes(first.stdout.split('\n')[1] ?? '?')]).toEqual([
      0,
      true,
    ]);

    await place.serve('plan.yaml', '--handlers', 'handlers.mjs', ...other);
    const copied = await place.cli('import', 'one.gz', '--as', 'copy', ...other);
    expect([copied.code, copied.stderr]).toEqual([0, '']);
    expect(copied.stdout).toContain('run copy is here');
    expect((await place.cli('import', 'gone.gz', ...other)).code).toBe(2);
    const broken = place.write('broken.jsonl', text.slice(0, -80));
    expect((await place.cli('import', broken, ...other)).stderr).toContain('export-damaged');
    const trimmed = await place.cli('trim', '--older-than', '0s', ...other);
    expect(trimmed.stdout).toBe('2 runs were removed, and 0 events of 0 others\n');
    expect((await place.cli('doctor', ...other)).stdout).toBe('0 runs, nothing found\n');
  }, 60_000);
});

describe('trim', () => {
  it('S173 counts and removes what is old, and wants to know what that is', async () => {
    await run('one');
    const young = await place.cli('trim', '--older-than', '1d');
    expect(young.stdout).toBe('0 runs were removed, and 0 events of 0 others\n');
    const counted = await place.cli('trim', '--older-than', '0s', '--dry-run');
    expect(counted.stdout).toBe('1 runs would be removed, and 0 events of 0 others\n');
    const history = await place.cli('trim', '--history-older-than', '0s', '--json');
    expect(JSON.parse(history.stdout)).toMatchObject({ runs: 0, trimmedRuns: 1 });
    expect((await place.cli('events', 'one')).stderr).toContain('history-trimmed');
    expect((await place.cli('trim', '--older-than', '0s')).code).toBe(0);
    expect((await place.cli('runs')).stdout).not.toContain('one');
    for (const words of [[], ['--older-than', 'long']]) {
      expect((await place.cli('trim', ...words)).code).toBe(2);
    }
  }, 60_000);
});

describe('doctor', () => {
  it('S210 names runs that cannot go on, and runs that are not whole', async () => {
    place.write(
      'wait.yaml',
      'title: Wait\nnodes: [{ kind: human-approval, id: sign }]\nedges: []\n',
    );
    await run('one');
    await place.cli('run', 'wait.yaml', '--handlers', 'handlers.mjs', '--id', 'old');
    expect(await place.cli('doctor')).toMatchObject({ code: 0, stdout: '2 runs, nothing found\n' });
    await tamper(
      place.database,
      `update actor_versions set version = 99 where run = (select run from runs where id = 'old')`,
      `update node_runs set edges = 'd' where node = 'one'`,
    );
    const { code, stdout } = await place.cli('doctor');
    expect(code).toBe(1);
    expect(stdout).toContain('run old cannot go on: run-unrestorable');
    expect(stdout).toContain('run one is not whole: nodes one do not fit the log');
    const { stdout: json } = await place.cli('doctor', '--json');
    expect(JSON.parse(json)).toMatchObject({ runs: 2, unrestorable: [{ run: 'old' }] });
  }, 60_000);
});
