/** Everything that can meet at a task, in every order: acts and commits take turns by a scheduler. */
import type fc from 'fast-check';
import { RunchartError } from '../../src/errors.js';
import { type Kernel, respondMessage } from '../support/kernel.js';
import { by } from './asking.js';

/** What became of what somebody did: done, or the code of the refusal. */
export type Fate = 'done' | string;

/** Does it when its turn comes; its commit is held back until a flush has its turn. */
export interface Rival {
  readonly name: string;
  act(kernel: Kernel, task: string): Promise<unknown>;
}

export const answerBy = (name: string, response: object): Rival => ({
  name: `answer of ${name}`,
  act: (kernel, task) =>
    kernel.send(
      respondMessage({ task, node: 'ask', response: response as never, responder: name }),
    ),
});
export const cancel: Rival = { name: 'cancel', act: (kernel) => kernel.cancel() };
export const claim: Rival = {
  name: 'claim',
  act: (kernel, task) =>
    kernel.send({ type: 'task.change', task, change: { type: 'claim', by: by('eve') } }),
};
export const timePasses = (ms: number): Rival => ({
  name: 'deadline',
  act: async ({ clock }) => {
    clock.advance(ms);
  },
});

/** All of them act on the open task of `ask`, if there is one. */
export async function race(kernel: Kernel, rivals: readonly Rival[], scheduler: fc.Scheduler) {
  const task = kernel.openTasks()[0]?.id ?? '';
  const fates = new Map<string, Fate>();
  kernel.storage.isHeld = true;
  const acted = rivals.map((rival) =>
    scheduler.schedule(Promise.resolve(), rival.name).then(() => {
      const fate = rival.act(kernel, task).then(
        () => 'done',
        (error: unknown) => {
          if (error instanceof RunchartError) return error.code;
          throw error;
        },
      );
      return fate.then((what) => fates.set(rival.name, what));
    }),
  );
  const flushes = rivals.map((_, index) =>
    scheduler.schedule(Promise.resolve(), `flush ${index}`).then(() => kernel.storage.flush()),
  );
  await scheduler.waitAll();
  await Promise.all(flushes);
  kernel.storage.isHeld = false;
  kernel.storage.flush();
  await kernel.settle();
  await Promise.all(acted);
  return { kernel, task, fates };
}
