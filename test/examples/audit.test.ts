import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUDIT_HANDLERS, AUDIT_PLAN, Workplace } from '../cli/support/workplace.js';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  mkdirSync(join(place.folder, 'docs'));
});
afterEach(() => place.leave());

async function audit(input: object = {}) {
  const full = JSON.stringify({ alsoFiles: [], pauseMs: 0, ...input });
  const words = ['run', AUDIT_PLAN, '--handlers', AUDIT_HANDLERS, '--id', 'a', '--input', full];
  const ended = await place.cli(...words);
  const { nodes } = JSON.parse((await place.cli('show', 'a', '--json')).stdout);
  const output = (id: string) => nodes.find(({ node }: { node: string }) => node === id)?.output;
  return { ...ended, summary: output('summarise'), report: output('write') };
}

describe('the audit', () => {
  it('finds what a reader would stumble over, and nothing in code', async () => {
    place.write(
      'docs/a.md',
      [
        '# A page',
        'See [b](b.md#second), [gone](gone.md), [no such](b.md#third) and [web](https://example.org).',
        '### Too deep',
        'Written in Javascript; `Javascript` in code is left alone. ',
        'TODO: finish this sentence, which goes on for longer than it should.',
        '```sh',
        'TODO this line is code and longer than sixty characters, and has a [link](nowhere.md)',
        '```',
      ].join('\n'),
    );
    place.write('docs/b.md', '# Other\n\n## Second\n\n## Second\n');
    const { code, summary } = await audit({ maxLineLength: 60 });
    expect(code).toBe(3);
    expect(summary.findings.map(Object.values)).toEqual([
      ['links', 'docs/a.md', 2, 'the link gone.md leads nowhere'],
      ['links', 'docs/a.md', 2, 'b.md#third: there is no such heading'],
      ['headings', 'docs/a.md', 3, 'level 2 is left out'],
      ['lines', 'docs/a.md', 4, 'spaces at the end'],
      ['words', 'docs/a.md', 4, '"Javascript" is written JavaScript'],
      ['lines', 'docs/a.md', 5, '68 characters long'],
      ['markers', 'docs/a.md', 5, 'a TODO is left'],
      ['headings', 'docs/b.md', 5, 'the heading "Second" stands twice'],
    ]);
  });

  it('writes a report at once where there is nothing to decide', async () => {
    place.write('docs/a.md', '# Fine\n');
    expect(await audit()).toMatchObject({
      code: 0,
      report: { path: '.runchart/reports/a.md', findings: 0 },
    });
  });

  it.each(['..', '/etc', 'link'])('refuses to read %s, outside of its folder', async (folder) => {
    symlinkSync('/etc', join(place.folder, 'link'));
    const { code, stdout } = await audit({ folder });
    expect([code, stdout]).toEqual([
      1,
      expect.stringContaining('outside of the working directory'),
    ]);
  });

  it('says which folder is not there', async () => {
    const { code, stdout } = await audit({ folder: 'nowhere' });
    expect([code, stdout]).toEqual([1, expect.stringContaining('there is no nowhere')]);
  });

  it('has findings in the documents of this project, so that the tour has its decision', async () => {
    place.addDocuments();
    expect((await audit({ alsoFiles: ['README.md'] })).code).toBe(3);
  });
});
