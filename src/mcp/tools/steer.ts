/** What is done to runs that are under way. */
import { z } from 'zod';
import { inShort } from '../answer.js';
import { pageOf } from '../bounded.js';
import * as input from '../inputs.js';
import { tool } from '../tool.js';

const asked = {
  by: input.by.optional(),
  reason: input.reason.optional(),
  idempotencyKey: input.idempotencyKey.optional(),
};

const replan = tool({
  name: 'replan',
  title: 'Replan a run',
  description:
    'Gives a live run another plan. Nodes that are unchanged keep what they have done; what changes runs again. With `dryRun` it only tells what would become of each node: do that first. It is refused with `replan-conflict` while a node at work would change, unless `cancelRunning`. To ask a person in the middle of a run, replan it with a human node added.',
  role: 'operator',
  changes: 'destroys',
  isIdempotent: false,
  input: z.strictObject({
    run: input.run,
    plan: input.plan,
    dryRun: z.boolean().default(false),
    cancelRunning: z.boolean().default(false).describe('Calls off nodes at work that would change'),
    ...asked,
  }),
  async call({ run, plan: given, ...options }, { host, plans, by }) {
    const plan = await input.planOf({ host, plans }, given);
    const change = await host.change.replan(run, plan, { by, ...options });
    const { kept, rerun, added, removed, conflicts } = change;
    const what = `${kept.length} nodes kept, ${rerun.length} run again, ${added.length} added, ${removed.length} removed`;
    return {
      message: change.isDryRun ? `nothing was changed; it would be: ${what}` : what,
      status: (await host.runs.summary(run)).status,
      plan: inShort(change.plan),
      run,
      previous: change.previous,
      isDryRun: change.isDryRun,
      ...named({ kept, rerun, added, removed }),
      conflicts: pageOf(conflicts, 100).entries,
    };
  },
});

/** The first of each kind, and how many there are. */
function named(diff: Readonly<Record<string, readonly { readonly node: string }[]>>) {
  const lists = Object.entries(diff).map(([what, entries]) => {
    const nodes = entries.slice(0, 50).map(({ node }) => node);
    return [what, { count: entries.length, nodes }] as const;
  });
  return Object.fromEntries(lists);
}

const signalRun = tool({
  name: 'signal_run',
  title: 'Signal a run',
  description:
    'Tells a run something that a node of kind signal waits for, or will wait for. The same `id` again is the same signal.',
  role: 'operator',
  changes: 'adds',
  isIdempotent: false,
  input: z.strictObject({
    run: input.run,
    name: input.name.describe('Name of the signal'),
    payload: input.json.optional(),
    id: input.name.optional().describe('Names this signal'),
    idempotencyKey: input.idempotencyKey.optional(),
  }),
  async call({ run, name, ...options }, { host }) {
    const { signal, isNew } = await host.signal(run, name, options);
    const { status, plan } = await host.runs.summary(run);
    const message = isNew ? `"${name}" was told` : `"${name}" had been told before`;
    return { message, status, plan: inShort(plan), run, signal, isNew };
  },
});

const cancelRun = tool({
  name: 'cancel_run',
  title: 'Cancel a run',
  description:
    'Cancels a run for good: work under way is told to stop, open tasks close, compensations run. Repeated, it answers the same.',
  role: 'operator',
  changes: 'destroys',
  isIdempotent: true,
  input: z.strictObject({ run: input.run, ...asked }),
  async call({ run, ...options }, { host, by }) {
    await host.cancel(run, { by, ...options });
    const { status, plan } = await host.runs.summary(run);
    return { message: `run ${run} is cancelled, or about to be`, status, plan: inShort(plan), run };
  },
});

const retryNode = tool({
  name: 'retry_node',
  title: 'Retry a node',
  description:
    'Tries a node again that is blocked, or that failed and was tolerated, with all that follows from it.',
  role: 'operator',
  changes: 'destroys',
  isIdempotent: false,
  input: z.strictObject({
    run: input.run,
    node: input.node,
    by: asked.by,
    idempotencyKey: asked.idempotencyKey,
  }),
  async call({ run, node, ...options }, { host, by }) {
    await host.retryNode(run, node, { by, ...options });
    const { status, plan } = await host.runs.summary(run);
    return {
      message: `"${node}" is tried again`,
      status,
      changedNodeId: node,
      plan: inShort(plan),
      run,
    };
  },
});

export const STEER_TOOLS = [replan, signalRun, cancelRun, retryNode];
