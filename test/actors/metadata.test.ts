import { describe, expect, it } from 'vitest';
import { createOrchestrator } from '../../src/index.js';
import type { JsonObject } from '../../src/plan/json.js';
import { Kernel, type StartOptions } from '../support/kernel.js';
import { action, plan } from '../support/plans.js';
import { temporaryDatabase } from '../support/temporary.js';

async function begun(start: StartOptions = {}): Promise<Kernel> {
  const kernel = new Kernel();
  await kernel.start(plan([action('a')]), start);
  await kernel.settle();
  return kernel;
}

const annotate = (kernel: Kernel, metadata: JsonObject) =>
  kernel.send({ type: 'run.annotate', metadata, by: 'ann' });
const metadataOf = (kernel: Kernel) =>
  JSON.parse(kernel.rows().record.metadataJson ?? 'null') as unknown;

describe('metadata that is added to a run', () => {
  it('S38 replaces what it names and nothing else, over a restart', async () => {
    const kernel = await begun();
    await annotate(kernel, { team: 'x', note: 1 });
    await kernel.restart();
    await annotate(kernel, { note: 2, more: [true] });
    expect(metadataOf(kernel)).toEqual({ team: 'x', note: 2, more: [true] });
    expect(kernel.details('run.annotated')).toEqual([
      { keys: ['team', 'note'], by: 'ann' },
      { keys: ['note', 'more'], by: 'ann' },
    ]);
  });

  it('S38 never hides of which schedule a run is', async () => {
    const kernel = await begun({ settings: { requestedBy: 'schedule/nightly' } });
    await expect(annotate(kernel, { schedule: 'other' })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    await annotate(kernel, { note: 1 });
    expect(metadataOf(kernel)).toEqual({ note: 1 });
  });

  it('S38 is bounded, and comes to an end with the run', async () => {
    const kernel = await begun();
    await expect(annotate(kernel, { note: 'x'.repeat(70_000) })).rejects.toMatchObject({
      code: 'argument-invalid',
    });
    await kernel.finish('a');
    await expect(annotate(kernel, { note: 1 })).rejects.toMatchObject({ code: 'run-ended' });
    expect(metadataOf(kernel)).toBeNull();
  });

  it('S38 is refused where it is no object, or takes a reserved key', async () => {
    const orchestrator = await createOrchestrator({ url: temporaryDatabase(), handlers: {} });
    for (const metadata of [[], 'x', { 'runchart.handlers': 'x' }, { at: new Date() }]) {
      await expect(orchestrator.annotate('r', metadata as never)).rejects.toMatchObject({
        code: 'argument-invalid',
      });
    }
    await expect(orchestrator.annotate('r', {})).rejects.toMatchObject({ code: 'run-unknown' });
    await orchestrator.close();
  });
});
