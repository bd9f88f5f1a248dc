/** An isolated handler as an application registers it, on a real file. */
import { expect, it, onTestFinished } from 'vitest';
import { createOrchestrator } from '../../src/orchestrator.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';
import { isolate } from './support/isolating.js';

it('S240 a handler that exits costs its run one attempt', async () => {
  const work = isolate({ in: 'process', export: 'onceThenExit' });
  const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: { work } });
  onTestFinished(() => orchestrator.close());
  const draft = plan([action('a', { retry: { maxAttempts: 2 } })]).plan;
  const result = await (await orchestrator.start(draft, { id: 'r1' })).result();
  expect(result).toMatchObject({
    status: 'completed',
    outputs: { a: { attempt: 2 } },
    errors: [{ node: 'a', attempt: 1, code: 'handler-exited' }],
  });
  expect(result.outputs).not.toMatchObject({ a: { pid: process.pid } });
});
