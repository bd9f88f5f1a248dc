import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Inspector, type InspectorOptions } from '../../src/http/inspect/inspector.js';
import type { Orchestrator } from '../../src/orchestrator.js';
import { HANDLERS, openOrchestrator, startVaried } from '../history/support/played-runs.js';
import { temporaryDatabase } from '../support/temporary.js';
import { findBrowser } from './support/browser.js';
import { fan, Gate, layered } from './support/large.js';
import { receiverScript } from './support/receiver-script.js';

const SCREENSHOTS = fileURLToPath(new URL('../../docs/images/', import.meta.url));
/** Frames that may pass between a click and what it changes. */
const RESPONSE_FRAMES = 10;
/** Frames that may pass before the page shows anything, wherever its graph is. */
const FIRST_PAINT_FRAMES = 60;

let browser: Browser | undefined;
let why = '';

beforeAll(async () => {
  const found = await findBrowser();
  browser = found.browser;
  if (found.browser === undefined) why = found.why;
});

afterAll(() => browser?.close());

/** What the functions that run in the page use of it. */
interface InPage {
  readonly document: {
    querySelector(what: string): { readonly textContent: string; click(): void } | null;
  };
  requestAnimationFrame(look: () => void): void;
  /** Frames until the head of the page was there. */
  painted: number | undefined;
}

/** Runs in the page, before all else. */
function countFrames(): void {
  const page = globalThis as unknown as InPage;
  let frames = 0;
  const look = () => {
    if (page.document.querySelector('header') !== null) {
      page.painted = frames;
      return;
    }
    frames += 1;
    page.requestAnimationFrame(look);
  };
  look();
}

interface Shown {
  readonly page: Page;
  /** Addresses that were asked for, whoever answers. */
  readonly asked: readonly string[];
  /** What the page complained of: errors, and what its policy kept it from. */
  readonly complaints: readonly string[];
}

async function show(
  orchestrator: Orchestrator,
  run: string,
  options?: InspectorOptions,
): Promise<Shown> {
  const inspector = new Inspector(orchestrator, options);
  const server = await inspector.listen(0);
  const context = (await browser?.newContext({
    viewport: { width: 1440, height: 900 },
  })) as BrowserContext;
  onTestFinished(async () => {
    await context.close();
    inspector.close();
    const closed = server.stopListening();
    server.closeConnections();
    await closed;
  });
  const page = await context.newPage();
  await page.addInitScript(countFrames);
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('response', (response) => {
    if (!response.ok()) complaints.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(inspector.pageUrl(server.url, run));
  await page.locator('.react-flow__node').first().waitFor();
  const painted = await page.evaluate(() => (globalThis as unknown as InPage).painted);
  expect(painted).toBeLessThanOrEqual(FIRST_PAINT_FRAMES);
  return { page, asked, complaints };
}

const poll = <T>(look: () => T) => expect.poll(look, { timeout: 20_000 });
const box = (page: Page, id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
const status = (page: Page, id: string) =>
  box(page, id).locator('.box').getAttribute('data-status');

/** Clicks, and counts the frames until an element says something. */
function framesUntil(page: Page, click: string, shown: string, text: string): Promise<number> {
  return page.evaluate(
    ([clickOn = '', lookAt = '', wanted = '']) =>
      new Promise<number>((resolve) => {
        const { document, requestAnimationFrame: next } = globalThis as unknown as InPage;
        let frames = 0;
        const look = () => {
          if (document.querySelector(lookAt)?.textContent.includes(wanted)) return resolve(frames);
          frames += 1;
          next(look);
        };
        document.querySelector(clickOn)?.click();
        look();
      }),
    [click, shown, text],
  );
}

async function picture(page: Page, name: string): Promise<void> {
  if (process.env.RUNCHART_SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

// Browsers are slow where many things go on.
describe('the page of the inspector', { timeout: 120_000 }, () => {
  it('S211 S194 shows the graph of a run with statuses and taken edges, the statechart of a node, and what it was', async (test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: HANDLERS });
    await startVaried(orchestrator, 'r1');
    const mask: InspectorOptions['mask'] = (value) =>
      JSON.parse(JSON.stringify(value).replaceAll('for good', '***'));
    const { page, asked, complaints } = await show(orchestrator, 'r1', { mask });
    await page.getByTestId('run-status').getByText('awaiting-human').waitFor();
    expect(await status(page, 'flaky')).toBe('completed');
    expect(await status(page, 'broken')).toBe('failed');
    expect(await status(page, 'after')).toBe('pending');
    expect(await box(page, 'each').textContent()).toContain('3 completed');
    await page.locator('.react-flow__edge.taken').first().waitFor();
    expect(await page.locator('.react-flow__edge.taken').count()).toBe(6);

    await box(page, 'broken').click();
    await page.getByTestId('context').getByText('***').waitFor();
    expect(await page.content()).not.toContain('for good');
    await box(page, 'sign').click();
    await page.getByTestId('selected').getByText('sign').waitFor();
    const lit = page.locator('.state.is-active');
    expect(
      await lit.evaluateAll((all) => all.map((one) => one.getAttribute('data-state'))),
    ).toEqual(['awaiting-human', 'asked']);
    await picture(page, 'inspector');

    const { tasks } = await orchestrator.runs.details('r1');
    await orchestrator.respond(tasks[0]?.id ?? '', { response: { approved: true } });
    await page.getByTestId('run-status').getByText('partial').waitFor();
    await page.getByTestId('connection').getByText('ended').waitFor();
    expect(await status(page, 'after')).toBe('completed');
    expect(await lit.getAttribute('data-state')).toBe('completed');

    await page.getByTestId('steps').getByRole('button', { name: 'node.awaiting-human' }).click();
    await page.getByTestId('actor-status').getByText('awaiting-human').waitFor();
    await poll(() => status(page, 'after')).toBe('pending');
    await page.getByRole('button', { name: 'First', exact: true }).click();
    await poll(() => status(page, 'flaky')).toBe('pending');
    await picture(page, 'inspector-past');
    await page.getByRole('button', { name: 'Newest' }).click();
    await poll(() => status(page, 'after')).toBe('completed');

    const own = new URL(page.url()).host;
    expect([...new Set(asked.map((url) => new URL(url).host))]).toEqual([own]);
    expect(page.url()).not.toContain('ticket');
    expect(complaints).toEqual([]);
  });

  it('S211 goes through what lies inside of a loop or a map', async (test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: HANDLERS });
    await startVaried(orchestrator, 'r1');
    const { page } = await show(orchestrator, 'r1');
    await box(page, 'again').click();
    await page.getByLabel('Selected actor').getByRole('button', { name: 'again[2]/step' }).click();
    await page.getByTestId('selected').getByText('again[2]/step').waitFor();
    await page.getByTestId('actor-status').getByText('completed').waitFor();
  });

  it.for([
    { size: 10, plan: fan(10), click: 'work-3', drawn: 10 },
    { size: 200, plan: layered(200, 20), click: 'node-3', drawn: 200 },
  ])('S211 stays usable at $size nodes', async ({ plan, click, drawn }, test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: HANDLERS });
    await orchestrator.start(plan, { id: 'r1' });
    await orchestrator.result('r1');
    const { page, complaints } = await show(orchestrator, 'r1');
    await poll(() => page.locator('section.graph').getAttribute('data-drawn')).toBe(String(drawn));
    await poll(() => status(page, click)).toBe('completed');
    const node = `.react-flow__node[data-id="${click}"]`;
    const frames = await framesUntil(page, node, '[data-testid=selected]', click);
    expect(frames).toBeLessThanOrEqual(RESPONSE_FRAMES);
    expect(complaints).toEqual([]);
  });

  it('S211 draws 2,000 nodes together, opens them with clicks, and follows them live', async (test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const gate = new Gate();
    const orchestrator = await openOrchestrator(temporaryDatabase(), {
      handlers: gate.handlers(),
      limits: { concurrency: 2_000 },
    });
    await orchestrator.start(fan(2_000), { id: 'r1' });
    await poll(() => orchestrator.live()[0]?.nodes.completed).toBe(1_000);
    const { page, complaints } = await show(orchestrator, 'r1');
    const drawn = () => page.locator('section.graph').getAttribute('data-drawn');
    await poll(drawn).toBe('3');
    const many = page.locator('.react-flow__node', { hasText: '1998 alike' });
    await many.getByText('999 running, 999 completed').waitFor();
    await picture(page, 'inspector-2000');
    await many.click();
    await poll(drawn).toBe(
      String(2 + Math.ceil(1998 / Math.ceil(1998 / Math.ceil(Math.sqrt(1998))))),
    );
    await page.getByLabel('Find a node').fill('work-1777');
    await page.getByTestId('selected').getByText('work-1777').waitFor();
    await page.getByTestId('actor-status').getByText('running').waitFor();
    await poll(() => box(page, 'work-1777').count()).toBe(1);
    gate.open();
    await page.getByTestId('run-status').getByText('completed').waitFor();
    await page.getByTestId('actor-status').getByText('completed').waitFor();
    await page.getByRole('button', { name: 'Draw together again' }).click();
    await page.getByText('1998 completed').waitFor();
    const first = '.react-flow__node[data-id="first"]';
    const frames = await framesUntil(page, first, '[data-testid=selected]', 'first');
    expect(frames).toBeLessThanOrEqual(RESPONSE_FRAMES);
    expect(complaints).toEqual([]);
  });

  it('S211 shows nothing without a ticket that is good, and lists the runs to who has one', async (test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: HANDLERS });
    await startVaried(orchestrator, 'r1');
    const inspector = new Inspector(orchestrator);
    const server = await inspector.listen(0);
    const context = await browser.newContext();
    onTestFinished(async () => {
      await context.close();
      inspector.close();
      server.closeConnections();
      await server.stopListening();
    });
    const page = await context.newPage();
    await page.goto(`${server.url}/inspect/`);
    await page.getByText('not opened with a ticket').waitFor();
    await page.goto('about:blank');
    await page.goto(inspector.pageUrl(server.url));
    await page.getByRole('link', { name: 'r1' }).click();
    await page.getByTestId('run-status').getByText('awaiting-human').waitFor();
  });

  it('S211 hands the stream to the receiver of @statelyai/inspect in the page of the Stately inspector', async (test) => {
    if (browser === undefined) return test.skip(`no browser can start here: ${why}`);
    const orchestrator = await openOrchestrator(temporaryDatabase(), { handlers: HANDLERS });
    await startVaried(orchestrator, 'r1');
    const inspector = new Inspector(orchestrator);
    const server = await inspector.listen(0);
    const context = await browser.newContext();
    onTestFinished(async () => {
      await context.close();
      inspector.close();
      server.closeConnections();
      await server.stopListening();
    });
    // The internet is not there in tests: its page is one with the receiver that the real one has.
    const script = await receiverScript();
    await context.route('https://stately.ai/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<body><script type="module">${script}</script>`,
      }),
    );
    const page = await context.newPage();
    await page.goto(inspector.statelyUrl(server.url, 'r1'));
    const received = page.frameLocator('iframe').locator('body');
    await received.getByText('r1/sign').waitFor();
    await orchestrator.annotate('r1', { note: 'seen' });
    await received.getByText('run.annotated').waitFor();
    const lines = (await received.innerText())
      .split('\n')
      .filter((line) => line.includes('@xstate.actor'));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(line).toContain('defined');
  });
});
