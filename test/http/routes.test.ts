import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpApp } from '../../src/http/app.js';
import { StorageError } from '../../src/open-reader.js';
import { plan } from '../../src/plan/builder.js';
import type { RunEvent, RunSummary, TaskView } from '../../src/views.js';
import { bodyOf, openSite, type Site } from './support/site.js';

interface RunList {
  readonly runs: readonly RunSummary[];
}

const ask = plan<{ name?: string }>('Ask', {
  inputs: { type: 'object', properties: { name: { type: 'string' } } },
})
  .action('draft', { handler: 'draft' })
  .approval('review', {
    responders: ['ada'],
    outputSchema: { type: 'object', required: ['approved'] },
  })
  .sequence('draft', 'review')
  .build();
const quick = plan('Quick').action('draft', { handler: 'draft' }).build();

let site: Site;
beforeAll(async () => {
  site = await openSite(
    { draft: () => 'text' },
    {
      plans: {
        ask: { plan: ask, metadata: { 'runchart.handlers': 'here' } },
        quick: { plan: quick },
      },
    },
  );
});
afterAll(() => site.close());

async function asked(id: string): Promise<string> {
  await site.post('/runs', { plan: 'ask', id });
  await site.orchestrator.settled(id);
  const [task] = (await site.orchestrator.runs.details(id)).tasks;
  return task?.id ?? '';
}

async function problem(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const body = (await response.json()) as { code: string; status: number };
  expect(body).toMatchObject({ status: response.status, type: `urn:runchart:error:${body.code}` });
  return body;
}

describe('plans', () => {
  it('are listed, read and drawn (S10)', async () => {
    const { plans } = await bodyOf<{ plans: unknown[] }>(site.get('/plans'));
    expect(plans).toMatchObject([{ name: 'ask', title: 'Ask' }, { name: 'quick' }]);
    expect(await (await site.get('/plans/ask')).json()).toEqual(JSON.parse(JSON.stringify(ask)));
    expect(await (await site.get('/plans/ask/diagram')).text()).toMatch(/^flowchart TD\n/);
    expect(await problem(await site.get('/plans/none'))).toMatchObject({ code: 'plan-unknown' });
  });
});

describe('runs', () => {
  it('start with 201 and a Location, and again with 200 under the same id (S36)', async () => {
    const first = await site.post('/runs', { plan: 'quick', id: 'one', input: { a: 1 } });
    expect([first.status, first.headers.get('location')]).toEqual([201, '/runs/one']);
    const again = await site.post('/runs', { plan: 'quick', id: 'one', input: { a: 1 } });
    expect([again.status, again.headers.get('location')]).toEqual([200, '/runs/one']);
    const other = await site.post('/runs', { plan: 'quick', id: 'one', input: { a: 2 } });
    expect(await problem(other)).toMatchObject({ code: 'run-conflict', status: 409 });
  });

  it('start from a plan in place', async () => {
    const response = await site.post('/runs', {
      plan: { steps: [{ uses: 'draft' }], title: 'In place' },
    });
    const { id } = await bodyOf<RunSummary>(response);
    expect(await site.orchestrator.result(id)).toMatchObject({ outputs: { step_0: 'text' } });
    expect(await (await site.get(`/runs/${id}/result`)).json()).toMatchObject({
      status: 'completed',
    });
  });

  it('are listed newest first, with status and metadata (S38)', async () => {
    for (const id of ['list-1', 'list-2']) {
      await site.post('/runs', { plan: 'ask', id, metadata: { for: id } });
    }
    const { runs } = await bodyOf<RunList>(site.get('/runs?limit=2'));
    expect(runs).toMatchObject([
      { id: 'list-2', metadata: { for: 'list-2', 'runchart.handlers': 'here' } },
      { id: 'list-1' },
    ]);
    const page = await bodyOf<RunList>(site.get('/runs?limit=1&before=list-2'));
    expect(page.runs).toMatchObject([{ id: 'list-1' }]);
    const failed = await bodyOf<RunList>(site.get('/runs?status=failed'));
    expect(failed.runs).toEqual([]);
  });

  it('show their nodes, tasks and events, and are drawn with statuses (S194)', async () => {
    await asked('seen');
    const details = await (await site.get('/runs/seen')).json();
    expect(details).toMatchObject({ status: 'awaiting-human', tasks: [{ node: 'review' }] });
    const path = '/runs/seen/events?after=2&limit=2';
    const { events } = await bodyOf<{ events: RunEvent[] }>(site.get(path));
    expect(events.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(await (await site.get('/runs/seen/diagram')).text()).toMatch(/class n1 awaiting_human/);
  });

  it('are cancelled once, with the same answer again, and not when unknown or over (S154)', async () => {
    await asked('gone');
    const first = await (await site.post('/runs/gone/cancel', { reason: 'no need' })).json();
    expect(first).toEqual({ run: 'gone', cancelled: true });
    expect(await (await site.post('/runs/gone/cancel')).json()).toEqual(first);
    expect((await site.orchestrator.result('gone')).reason).toMatchObject({ message: 'no need' });
    expect(await problem(await site.post('/runs/nobody/cancel'))).toMatchObject({ status: 404 });
    await site.post('/runs', { plan: 'quick', id: 'over' });
    await site.orchestrator.result('over');
    expect(await problem(await site.post('/runs/over/cancel'))).toMatchObject({
      code: 'run-ended',
    });
  });

  it('are paused and resumed', async () => {
    await asked('rest');
    expect(await (await site.post('/runs/rest/pause')).json()).toMatchObject({ status: 'paused' });
    const resumed = await (await site.post('/runs/rest/resume')).json();
    expect(resumed).toMatchObject({ status: 'awaiting-human' });
  });
});

describe('tasks', () => {
  it('are listed and answered', async () => {
    const task = await asked('fine');
    const { tasks } = await bodyOf<{ tasks: TaskView[] }>(site.get('/tasks'));
    expect(tasks).toContainEqual(expect.objectContaining({ id: task, run: 'fine' }));
    const answer = { response: { approved: true }, responder: 'ada', run: 'fine' };
    const answered = await site.post(`/tasks/${task}/response`, answer);
    expect(await answered.json()).toEqual({
      isDecided: true,
      run: 'fine',
      node: 'review',
      task,
      outcome: 'approved',
    });
    const again = await site.post(`/tasks/${task}/response`, answer);
    expect(await problem(again)).toMatchObject({ code: 'task-closed', status: 409 });
  });

  it('refuse strangers, answers meant for another run, and unknown ids (S129)', async () => {
    const path = `/tasks/${await asked('strict')}/response`;
    const response = { approved: true };
    expect(await problem(await site.post(path, { response, responder: 'eve' }))).toMatchObject({
      code: 'responder-refused',
    });
    expect(await problem(await site.post(path, { response, run: 'fine' }))).toMatchObject({
      code: 'task-foreign',
    });
    expect(await problem(await site.post('/tasks/none/response', { response }))).toMatchObject({
      code: 'task-unknown',
    });
  });

  it('stay open after an answer that does not fit, and list what is wrong (S131)', async () => {
    const task = await asked('unfit');
    const answer = { response: { ok: true }, responder: 'ada' };
    const refused = await problem(await site.post(`/tasks/${task}/response`, answer));
    expect(refused).toMatchObject({
      code: 'response-invalid',
      status: 422,
      issues: [{ severity: 'blocking' }],
    });
    expect(await (await site.get(`/tasks/${task}`)).json()).toMatchObject({ status: 'open' });
  });
});

describe('a request that is at fault (trap 25)', () => {
  const json = { 'content-type': 'application/json' };
  const nested = (depth: number) =>
    `{"plan": "quick", "input": ${'['.repeat(depth)}${']'.repeat(depth)}}`;

  it.each([
    ['malformed JSON', '{"plan": ', json, 400, 'body-malformed'],
    ['no JSON at all', 'plan=quick', { 'content-type': 'text/plain' }, 415, 'content-type-refused'],
    ['JSON that nests too deep', nested(5_000), json, 400, 'body-too-deep'],
    ['a body that is too large', `"${'x'.repeat(1024 * 1024)}"`, json, 413, 'body-too-large'],
    [
      'a forbidden key',
      '{"plan": "quick", "input": {"__proto__": 1}}',
      json,
      400,
      'body-malformed',
    ],
    ['a body of another shape', '{"plan": 1}', json, 400, 'argument-invalid'],
    ['a property that is none', '{"plan": "quick", "inputs": {}}', json, 400, 'argument-invalid'],
    ['a plan that is not offered', '{"plan": "none"}', json, 404, 'plan-unknown'],
    [
      'a plan with faults',
      '{"plan": {"title": "x", "nodes": [], "edges": []}}',
      json,
      422,
      'plan-invalid',
    ],
    [
      'handlers that are not here',
      '{"plan": {"title": "x", "steps": [{"uses": "y"}]}}',
      json,
      409,
      'handler-missing',
    ],
    [
      'an input that does not fit',
      '{"plan": "ask", "input": {"name": 1}}',
      json,
      422,
      'input-invalid',
    ],
    ['an id that is none', '{"plan": "quick", "id": "a b"}', json, 400, 'argument-invalid'],
    [
      'metadata that is reserved',
      '{"plan": "quick", "metadata": {"runchart.handlers": "/x"}}',
      json,
      400,
      'argument-invalid',
    ],
  ])('for %s is answered so', async (_what, body, headers, status, code) => {
    expect(await problem(await site.post('/runs', body, headers))).toMatchObject({ status, code });
  });

  it('for a body without a length is cut off at the limit', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.byteLength;
        if (sent > 8 * 1024 * 1024) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const init = { method: 'POST', headers: json, body, duplex: 'half' } as RequestInit;
    const response = await fetch(`${site.url}/runs`, init);
    expect(await problem(response)).toMatchObject({ code: 'body-too-large' });
  });

  it.each([
    ['GET', '/runs?limit=0', 400, 'argument-invalid'],
    ['GET', '/runs?limit=many', 400, 'argument-invalid'],
    ['GET', '/runs?status=done', 400, 'argument-invalid'],
    ['GET', '/runs/none', 404, 'run-unknown'],
    ['GET', '/none', 404, 'route-unknown'],
    ['GET', '/runs/%E0%A4%A', 404, 'run-unknown'],
    ['DELETE', '/runs', 405, 'method-refused'],
    ['PUT', '/tasks/x/response', 405, 'method-refused'],
  ])('as %s %s is answered with %i', async (method, path, status, code) => {
    const response = await fetch(site.url + path, { method });
    expect(await problem(response)).toMatchObject({ status, code });
    if (status === 405) expect(response.headers.get('allow')).toMatch(/POST/);
  });
});

describe('a server without authentication', () => {
  const local = (headers: Record<string, string>) =>
    createHttpApp(site.orchestrator).request('/plans', { headers });

  it('refuses requests that name another host, as pages with a rebound name do', async () => {
    for (const host of [
      'evil.example',
      '127.0.0.1.evil.example',
      '0.0.0.0',
      '',
      'localhost@evil.example',
    ]) {
      expect(await problem(await local({ host }))).toMatchObject({
        code: 'host-refused',
        status: 403,
      });
    }
    for (const host of ['127.0.0.1:4747', 'localhost:1', '[::1]:80']) {
      expect((await local({ host })).status).toBe(200);
    }
  });

  it('refuses pages of other origins', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      const response = await local({ host: 'localhost', origin });
      expect(await problem(response)).toMatchObject({ code: 'origin-refused' });
    }
  });
});

describe('a fault inside', () => {
  const failing = (error: unknown) => {
    const told: unknown[] = [];
    const health = () => {
      throw error;
    };
    const app = createHttpApp(Object.assign(Object.create(site.orchestrator), { health }), {
      onInternalError: (reason) => told.push(reason),
    });
    return { told, answer: app.request('/health', { headers: { host: 'localhost' } }) };
  };

  it('goes to the log, and out without its text or its stack', async () => {
    const { told, answer } = failing(new Error('secret in /etc'));
    const text = await (await answer).text();
    expect(JSON.parse(text)).toMatchObject({ code: 'internal', status: 500 });
    expect(text).not.toMatch(/secret| at /);
    expect(told).toHaveLength(1);
  });

  it('of the storage is a 503 that may pass', async () => {
    const { answer } = failing(new StorageError('disk-full', 'The disk is full.'));
    expect(await problem(await answer)).toMatchObject({
      code: 'disk-full',
      status: 503,
      retryable: true,
    });
    expect((await answer).headers.get('retry-after')).toBe('1');
  });
});

describe('artifacts', () => {
  it('S94 S95 are listed, and read by name and version, large payloads too', async () => {
    const payload = 'x'.repeat(70_000);
    const artifacts = [
      { name: 'a/b c', kind: 'text', payload },
      { name: 'a/b c', kind: 'text', payload: 'small' },
    ];
    const other = await openSite({ draft: () => ({ ok: true, artifacts }) });
    await other.orchestrator.start(quick, { id: 'made' });
    await other.orchestrator.result('made');
    const listed = await bodyOf<{ artifacts: object[] }>(other.get('/runs/made/artifacts'));
    expect(listed.artifacts).toMatchObject([
      { version: 1, standing: 'accepted', bytes: 70_002 },
      { version: 2, payload: 'small' },
    ]);
    expect(listed.artifacts[0]).not.toHaveProperty('payload');
    const path = `/runs/made/artifacts/${encodeURIComponent('a/b c')}`;
    expect(await bodyOf(other.get(path))).toMatchObject({ version: 2, payload: 'small' });
    expect(await bodyOf(other.get(`${path}?version=1`))).toMatchObject({ payload });
    const after = `?after=${encodeURIComponent('a/b c/1')}`;
    expect(await bodyOf(other.get(`/runs/made/artifacts${after}`))).toMatchObject({
      artifacts: [{ version: 2 }],
    });
    expect(await problem(await other.get(`${path}?version=9`))).toMatchObject({
      code: 'artifact-unknown',
    });
    expect(await problem(await other.get(`${path}?version=x`))).toMatchObject({
      code: 'argument-invalid',
    });
    expect(await bodyOf(other.get('/runs/made/changes'))).toMatchObject({ changes: [] });
    expect(await problem(await other.get('/runs/none/artifacts'))).toMatchObject({
      code: 'run-unknown',
    });
    await other.close();
  });
});
