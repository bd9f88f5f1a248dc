/** Who makes a run of another one has asked for it, too. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator, type Orchestrator, plan } from '../../src/index.js';
import { temporaryDatabase } from '../support/temporary.js';

const asking = plan('Asking').approval('ask', { fourEyes: true }).build();
const around = {
  ...asking,
  title: 'Around',
  nodes: [{ kind: 'subplan', id: 'sub', plan: 'asking' }],
  plans: { asking },
};

async function answerTo(orchestrator: Orchestrator, run: string, responder: string) {
  const { tasks } = orchestrator;
  const [task] = await tasks.list({ run });
  const answer = tasks.respond(task?.id ?? '', { response: { approved: true }, responder });
  const listed = await tasks.list({ run, answerableBy: responder });
  const code = await answer.then(
    () => 'taken',
    (error: { code: string }) => error.code,
  );
  return [listed.length, code];
}

it('S205 S170 S12 a fork, a replacement and what lies inside of them is answered by none who has asked for it', async () => {
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
  onTestFinished(() => orchestrator.close());
  await orchestrator.start(asking, { id: 'r1', requestedBy: 'ann' });
  await orchestrator.settled('r1');
  await orchestrator.change.fork('r1', { id: 'r2', by: 'bob' });
  await orchestrator.settled('r2');
  await orchestrator.change.replace('r2', around as never, { id: 'r3', by: 'cid' });
  await orchestrator.settled('r3');
  const [child] = (await orchestrator.runs.list()).filter(({ id }) => !/^r\d$/.test(id));
  const excluded = [0, 'responder-excluded'];
  expect(await answerTo(orchestrator, 'r1', 'ann')).toEqual(excluded);
  for (const name of ['ann', 'bob', 'cid']) {
    expect(await answerTo(orchestrator, child?.id ?? '', name)).toEqual(excluded);
  }
  expect(await answerTo(orchestrator, child?.id ?? '', 'dora')).toEqual([1, 'taken']);
  expect(await answerTo(orchestrator, 'r1', 'bob')).toEqual([1, 'taken']);
});
