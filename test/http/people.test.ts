import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/builder.js';
import { bodyOf, openSite, type Site } from './support/site.js';

const edited = plan('Edit')
  .reviewEdit('edit', { responders: ['ann', 'bob'], deadlineMs: 3_600_000 })
  .action('send', { handler: 'send' })
  .edge('edit', 'send')
  .build();

let site: Site;
beforeAll(async () => {
  const artifacts = [{ name: 'draft', kind: 'text', payload: 'text' }];
  const make = () => ({ ok: true, output: { v: 1 }, artifacts });
  site = await openSite({ send: (input: unknown) => input, make }, { plans: {} });
});
afterAll(() => site.close());

async function taskOf(id: string): Promise<string> {
  await site.post('/runs', { plan: edited, id, input: { v: 1 } });
  await site.orchestrator.settled(id);
  const [task] = await site.orchestrator.tasks.list({ run: id });
  return task?.id ?? '';
}

describe('tasks over HTTP', () => {
  it('S206 are claimed, released, handed on, assigned and put off', async () => {
    const path = `/tasks/${await taskOf('claims')}`;
    expect(await bodyOf(site.post(`${path}/claim`, { by: 'ann' }))).toMatchObject({
      assignee: 'ann',
    });
    const refused = await site.post(`${path}/claim`, { by: 'bob' });
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'task-claimed' });
    await site.post(`${path}/delegate`, { by: 'ann', to: 'bob' });
    await site.post(`${path}/release`, { by: 'bob' });
    const assigned = site.post(`${path}/assign`, { to: 'ann', by: 'op' });
    expect(await bodyOf(assigned)).toMatchObject({ assignee: 'ann' });
    const deadlineAt = Date.now() + 7_200_000;
    expect(await bodyOf(site.post(`${path}/extend`, { deadlineAt }))).toMatchObject({ deadlineAt });
    expect((await site.post(`${path}/extend`, { deadlineAt: 1 })).status).toBe(400);
    expect((await site.post(`${path}/claim`, {})).status).toBe(400);
    expect((await site.post('/tasks/none/claim', { by: 'ann' })).status).toBe(404);
  });

  it('S203 S204 show the task that has taken the place of an old one', async () => {
    const old = await taskOf('edits');
    const edit = { decision: 'edit', output: { v: 2 } };
    const answer = { response: edit, responder: 'ann', messageId: 'm1', comment: 'better' };
    expect(await bodyOf(site.post(`/tasks/${old}/response`, answer))).toMatchObject({
      outcome: 'edited',
    });
    // The same message again is the same answer.
    expect(await bodyOf(site.post(`/tasks/${old}/response`, answer))).toMatchObject({
      outcome: 'edited',
    });
    const late = { response: { decision: 'accept' }, responder: 'bob' };
    const refused = await site.post(`/tasks/${old}/response`, late);
    const problem = (await refused.json()) as { data: { task: string; digest: string } };
    expect(problem).toMatchObject({
      code: 'task-superseded',
      data: { presented: { subject: { v: 2 } } },
    });
    const { responses } = (await bodyOf(site.get(`/tasks/${old}/responses`))) as {
      responses: object[];
    };
    expect(responses).toMatchObject([{ responder: 'ann', messageId: 'm1', comment: 'better' }]);
    await site.post(`/tasks/${problem.data.task}/response`, {
      ...late,
      digest: problem.data.digest,
    });
    expect((await site.orchestrator.result('edits')).outputs).toMatchObject({ send: { v: 2 } });
  });

  it('S206 are listed for who may answer them', async () => {
    const task = await taskOf('lists');
    const listed = async (query: string) => {
      const { tasks } = (await bodyOf(site.get(`/tasks?run=lists&${query}`))) as {
        tasks: { id: string }[];
      };
      return tasks.map(({ id }) => id);
    };
    expect(await listed('answerableBy=ann')).toEqual([task]);
    expect(await listed('answerableBy=eve')).toEqual([]);
    expect((await site.get('/tasks?status=lost')).status).toBe(400);
    expect((await site.get('/tasks?colour=red')).status).toBe(400);
  });

  it('S234 show what is judged, and take a score', async () => {
    const judged = plan('Judge')
      .action('make', {
        handler: 'make',
        checks: [{ name: 'liked', threshold: 5, ask: { score: { min: 0, max: 10 } } }],
      })
      .build();
    await site.post('/runs', { plan: judged, id: 'judged' });
    await site.orchestrator.settled('judged');
    const [task] = await site.orchestrator.tasks.list({ run: 'judged' });
    const path = `/tasks/${task?.id}`;
    expect(await bodyOf(site.get(path))).toMatchObject({
      kind: 'human-check',
      presented: { check: 'liked', output: { v: 1 }, threshold: 5 },
    });
    expect(await bodyOf(site.get(`${path}/artifacts/draft`))).toMatchObject({ payload: 'text' });
    expect((await site.get(`${path}/artifacts/none`)).status).toBe(404);
    const refused = await site.post(`${path}/response`, { response: { score: 11 } });
    expect(await refused.json()).toMatchObject({ issues: [{ path: '/score' }] });
    const answer = { response: { score: 9 } };
    expect(await bodyOf(site.post(`${path}/response`, answer))).toMatchObject({
      outcome: 'approved',
      isDecided: true,
    });
  });
});
