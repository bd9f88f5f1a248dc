import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUDIT_HANDLERS, AUDIT_PLAN, Workplace } from './support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.addDocuments();
});
afterEach(() => place.leave());

const audit = (id: string, input: object = { pauseMs: 0 }) => [
  ...['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', id],
  ...['--input', JSON.stringify(input)],
];

/** A plan of one action, with a module of handlers. */
function oneAction(handler: string, settings = ''): string[] {
  const plan = place.write(
    'one.yaml',
    `title: One\nnodes: [{ kind: action, id: only, handler: work${settings} }]\nedges: []\n`,
  );
  const module = place.write('one.mjs', `export default { work: ${handler} };`);
  return [plan, '--handlers', module];
}

async function json(...words: string[]) {
  return JSON.parse((await place.cli(...words, '--json')).stdout);
}

describe('run', () => {
  it('ends with 3 where a person is asked, and says what to do', async () => {
    const { code, stdout, stderr } = await place.cli(...audit('a'));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^ +1 run\.created/m);
    expect(stdout).toMatch(/run a is awaiting-human/);
    expect(stdout).toMatch(/npx runchart respond \S+ --approve/);
  });

  it('goes on in respond without naming the handlers again, and writes the report', async () => {
    await place.cli(...audit('a'));
    const { code, stdout } = await place.cli('respond', 'a', '--approve');
    expect([code, stdout]).toEqual([0, expect.stringContaining('run a is completed')]);
    const report = readFileSync(join(place.folder, '.runchart/reports/a.md'), 'utf8');
    expect(report).toContain('# Audit of the documents');
    expect((await place.cli('show', 'a', '--artifact', 'report')).stdout).toBe(report);
  });

  it('S94 lists artifacts and prints one, or writes it to a file', async () => {
    await place.cli(...audit('a'));
    await place.cli('respond', 'a', '--approve');
    const { stdout } = await place.cli('artifacts', 'a');
    expect(stdout).toMatch(/^ARTIFACT +VERSION +KIND +STANDING +NODE +ATTEMPT +PLACE\nreport +1 /);
    const shown = await place.cli('show', 'a', '--artifact', 'report');
    const one = await place.cli('artifact', 'a', 'report', '--version', '1');
    expect(one).toMatchObject({ code: 0, stdout: shown.stdout });
    const written = await place.cli('artifact', 'a', 'report', '--out', 'report.md');
    expect(written).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(join(place.folder, 'report.md'), 'utf8')).toBe(shown.stdout);
    expect(JSON.parse((await place.cli('artifacts', 'a', '--json')).stdout)).toMatchObject([
      { name: 'report', version: 1, standing: 'accepted' },
    ]);
    expect(await place.cli('artifact', 'a', 'report', '--version', '2')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^artifact-unknown/),
    });
  });

  it('writes the remarks of who asks for changes', async () => {
    await place.cli(...audit('a'));
    await place.cli('respond', 'a', '--request-changes', 'Wrap the lines', 'Name the owner');
    const { stdout } = await place.cli('show', 'a', '--artifact', 'report');
    expect(stdout).toContain('- Wrap the lines\n- Name the owner\n');
  });

  it('writes nothing where the person rejects', async () => {
    await place.cli(...audit('a'));
    const { code } = await place.cli('respond', 'a', '--reject', 'not now');
    expect(code).toBe(0);
    expect(existsSync(join(place.folder, '.runchart/reports/a.md'))).toBe(false);
    const { nodes } = await json('show', 'a');
    expect(nodes).toContainEqual(expect.objectContaining({ node: 'write', status: 'skipped' }));
  });

  it('asks nobody where nothing is found', async () => {
    mkdirSync(join(place.folder, 'fine'));
    place.write('fine/page.md', '# Fine\n\nNothing to see.\n');
    const { code } = await place.cli(...audit('a', { folder: 'fine', alsoFiles: [], pauseMs: 0 }));
    expect(code).toBe(0);
  });

  it('ends with 0 for completed, 1 for failed, and says why', async () => {
    expect((await place.cli('run', ...oneAction('() => 1'))).code).toBe(0);
    const failed = await place.cli('run', ...oneAction('() => { throw new Error("no luck") }'));
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringContaining('no luck')]);
  });

  it('is one run under one id, however often it is started (S36)', async () => {
    const words = ['run', ...oneAction('() => 1'), '--id', 'once'];
    await place.cli(...words);
    expect((await place.cli(...words)).code).toBe(0);
    expect((await json('runs')).runs).toHaveLength(1);
  });

  it('takes its input from standard input, as YAML', async () => {
    const words = ['run', ...oneAction('({ name }) => name'), '--id', 'r', '--input', '-'];
    await place.cliWith('name: Ada\n', ...words);
    expect((await json('show', 'r')).inputs).toEqual({ name: 'Ada' });
  });

  it('ends with 4 where the run is cancelled from another terminal through its server', async () => {
    const { url } = await place.serveAudit();
    const following = place.start('run', AUDIT_PLAN, '--id', 'c', '--input', '{"pauseMs": 600000}');
    await following.says(/node\.started links/);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect((await place.cli('cancel', 'c', '--reason', 'changed my mind')).code).toBe(0);
    expect(await following.ended).toMatchObject({
      code: 4,
      stdout: expect.stringContaining('changed my mind'),
    });
  });

  it('keeps control characters of plans and handlers out of the terminal', async () => {
    const words = oneAction('() => { throw new Error("\\u001b[2J\\u0007gone") }');
    const { stdout, stderr } = await place.cli('run', ...words);
    expect(stdout + stderr).toContain('\\u001b[2J\\u0007gone');
    expect(stdout + stderr).not.toContain('\u001b');
  });
});

describe('a run whose process stops', () => {
  it('goes on after kill -9, and repeats only what was interrupted', async () => {
    const running = place.start(...audit('k', { pauseMs: 600_000 }));
    await running.says(/node\.completed lines/);
    expect(await running.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    expect((await json('show', 'k')).status).toBe('running');

    expect((await place.cli('resume', 'k')).code).toBe(3);
    const { nodes } = await json('show', 'k');
    const attempts = Object.fromEntries(
      nodes.map(({ node, attempt }: { node: string; attempt: number }) => [node, attempt]),
    );
    expect(attempts).toMatchObject({ list: 1, lines: 1, links: 2 });
  });

  it('is cancelled by another process, once the grace of its lost handler is over', async () => {
    const running = place.start(...audit('gone', { pauseMs: 600_000 }));
    await running.says(/node\.started links/);
    await running.kill('SIGKILL');
    expect(await place.cli('cancel', 'gone')).toMatchObject({ stdout: 'run gone is cancelled\n' });
  });

  it('says how to go on when it is stopped by Ctrl-C, and lets handlers finish', async () => {
    const work =
      '() => new Promise((done) => process.once("SIGINT", () => setImmediate(done, "done")))';
    const running = place.start('run', ...oneAction(work), '--id', 'i');
    await running.says(/node\.started only/);
    const { code, stderr } = await running.kill('SIGINT');
    expect([code, stderr]).toEqual([130, expect.stringContaining('npx runchart resume i')]);
    expect((await json('show', 'i')).nodes).toMatchObject([
      { status: 'completed', output: 'done' },
    ]);
  });

  it('ends at once on a second Ctrl-C', async () => {
    const work = '() => new Promise(() => { setInterval(() => {}, 1e6) })';
    const running = place.start('run', ...oneAction(work), '--id', 'i');
    await running.says(/node\.started only/);
    running.process.kill('SIGINT');
    await running.says(/once more ends it at once/);
    expect(await running.kill('SIGINT')).toMatchObject({ code: 130 });
  });
});

describe('reading', () => {
  it('lists runs newest first, with status and metadata (S38)', async () => {
    const words = oneAction('() => 1');
    for (const id of ['first', 'second', 'third']) await place.cli('run', ...words, '--id', id);
    const { runs } = await json('runs');
    expect(runs.map(({ id }: { id: string }) => id)).toEqual(['third', 'second', 'first']);
    expect(runs[0]).toMatchObject({
      status: 'completed',
      metadata: { 'runchart.handlers': words[2] },
      title: 'One',
    });
    const page = await json('runs', '--limit', '1', '--before', 'second');
    expect(page.runs).toMatchObject([{ id: 'first' }]);
    expect((await json('runs', '--status', 'failed')).runs).toEqual([]);
  });

  it('draws a plan, and a run with its statuses and the edges taken (S194, S10)', async () => {
    await place.cli(...audit('d'));
    const plain = (await place.cli('diagram', AUDIT_PLAN)).stdout;
    const drawn = (await place.cli('diagram', '--run', 'd')).stdout;
    expect(plain).toMatch(/^flowchart TD\n/);
    expect(drawn.startsWith(plain.trimEnd())).toBe(true);
    expect(drawn).toMatch(/class n9 awaiting_human/);
    expect(drawn).toMatch(/linkStyle 0,1,2,3,4,5,6,7,8,9,10,11,12 stroke/);
  });

  it('follows the events of a run of another process to its end', async () => {
    const running = place.start(...audit('f', { pauseMs: 600_000 }));
    await running.says(/node\.started links/);
    const following = place.start('events', 'f', '--follow', '--json');
    await following.says(/node\.started/);
    await running.kill('SIGKILL');
    await place.cli('resume', 'f');
    await place.cli('respond', 'f', '--approve');
    const { code, stdout } = await following.ended;
    const numbers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).seq);
    expect(code).toBe(0);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    expect(stdout).toContain('"run.completed"');
  });

  it('prints the schema of plans, and what is wrong with one', async () => {
    const schema = JSON.parse((await place.cli('schema')).stdout);
    expect(schema).toMatchObject({ $id: 'urn:runchart:plan' });
    expect(await json('validate', AUDIT_PLAN)).toMatchObject({ ok: true, issues: [] });
  });
});

describe('cancel, pause, resume', () => {
  it('refuses to cancel what is unknown or over, and answers a repetition the same (S154)', async () => {
    await place.cli(...audit('x'));
    const first = await place.cli('cancel', 'x');
    expect(await place.cli('cancel', 'x')).toEqual(first);
    expect(first).toMatchObject({ code: 0, stdout: 'run x is cancelled\n' });
    await place.cli('run', ...oneAction('() => 1'), '--id', 'over');
    expect(await place.cli('cancel', 'over')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-ended/),
    });
    expect(await place.cli('cancel', 'no')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^run-unknown/),
    });
  });

  it('keeps a paused run where it is until it is resumed', async () => {
    await place.cli(...audit('p'));
    expect((await place.cli('pause', 'p')).stdout).toBe('run p is paused\n');
    expect((await place.cli('respond', 'p', '--approve')).code).toBe(5);
    expect((await place.cli('resume', 'p')).code).toBe(0);
  });
});
