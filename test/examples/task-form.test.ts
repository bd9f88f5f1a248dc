/** The form of a task in a real browser, from the one command of the example's page to the run's output. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { findBrowser } from '../inspect/support/browser.js';
import { temporaryDirectory } from '../support/temporary.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Runs the example's one command with a port of the system's choice; gives its address. */
async function startExample(): Promise<string> {
  const readme = readFileSync(join(ROOT, 'examples/task-form/README.md'), 'utf8');
  const [, command = ''] = /```sh\nnode (\S+)\n```/.exec(readme) ?? [];
  const child = spawn(process.execPath, [join(ROOT, command), '0'], {
    cwd: temporaryDirectory(),
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('http')) return line;
  }
  throw new Error('the example never said where it is');
}

const task = (page: Page, name: string) => page.getByRole('region', { name });

it('S125 a task is a form in a browser, and its answer moves the run', async (context) => {
  const found = await findBrowser();
  if (found.browser === undefined) return context.skip(found.why);
  const { browser } = found;
  onTestFinished(() => browser.close());
  const url = await startExample();
  const [page, other] = [await browser.newPage(), await browser.newPage()];
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  for (const each of [page, other]) await each.goto(url);
  for (const each of [page, other]) {
    const wish = task(each, 'wish');
    await wish.getByLabel('Place').selectOption('Porto');
    await wish.getByLabel('Days').fill('40');
  }
  const wish = task(page, 'wish');
  await wish.getByRole('button', { name: 'Submit' }).click();
  await wish.getByText('must be <= 30').first().waitFor();
  await wish.getByLabel('Days').fill('4');
  // The other page does not look again before it answers, and keeps its question.
  await other.route('**/runchart/tasks', (route) => route.abort());
  await wish.getByRole('button', { name: 'Submit' }).click();
  const approve = task(page, 'approve');
  await approve.getByText('Porto').waitFor();

  await task(other, 'wish').getByLabel('Days').fill('5');
  await task(other, 'wish').getByRole('button', { name: 'Submit' }).click();
  await other.getByRole('alert').getByText('is not open any more').waitFor();

  await approve.getByLabel('approved').check();
  await approve.getByRole('button', { name: 'Submit' }).click();
  await page.getByText('Nothing is asked.').waitFor();
  const ended = async () => (await fetch(`${url}/runchart/runs/first-trip/result`)).json();
  await expect
    .poll(ended, { timeout: 10_000 })
    .toMatchObject({ status: 'completed', output: '4 days in Porto' });
  expect(complaints).toEqual([]);
}, 90_000);
