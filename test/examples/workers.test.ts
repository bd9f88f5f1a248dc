import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('examples/workers', () => {
  it('S174 S178 S198 loses nothing of a worker that is killed, by one command', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [`${ROOT}examples/workers/main.mjs`],
      { cwd: ROOT, timeout: 60_000 },
    );
    const lines = stdout.trim().split('\n');
    expect(lines).toContain('ada is killed');
    expect(lines.some((line) => /worker "ada" gave no sign of life/.test(line))).toBe(true);
    const texts = ['ONE FISH', 'TWO FISH', 'RED FISH', 'BLUE FISH', 'OLD FISH', 'NEW FISH'];
    expect(lines.at(-1)).toBe(`completed ${JSON.stringify(texts)}`);
  }, 70_000);
});
