/** The work of an agent as an external worker: claimed under a lease, kept alive, and answered. */
import { z } from 'zod';
import type { AcceptedResult, ClaimedWork, LeaseState } from '../../work/work.js';
import { inShort } from '../answer.js';
import { aside, pageOf, shown } from '../bounded.js';
import * as input from '../inputs.js';
import { type ToolHost, tool } from '../tool.js';

const token = z.string().min(1).max(8_192).describe('As claim_work gave it');

const listWork = tool({
  name: 'list_work',
  title: 'List work',
  description:
    'Lists what waits for a worker from outside, by capability, with how much of it. Take some with claim_work.',
  role: 'reader',
  changes: 'nothing',
  isIdempotent: true,
  input: z.strictObject({ limit: input.limit }),
  async call({ limit }, { host }) {
    const offers = host.work.offers();
    return {
      message: `${offers.length} kinds of work wait`,
      status: 'ok',
      offers: pageOf(offers, limit).entries,
      count: offers.length,
    };
  },
});

const claimWork = tool({
  name: 'claim_work',
  title: 'Claim work',
  description:
    'Claims one node run that waits for a worker with one of the `capabilities`, and gives its input and a `token`. Do the work and answer with submit_work (or fail_work, or release_work). The lease ends at `expiresAt`: call heartbeat_work before, or somebody else gets the work. An input that was cut is read on with read_node.',
  role: 'worker',
  changes: 'adds',
  isIdempotent: false,
  input: z.strictObject({
    worker: input.name.optional().describe('Your name, for the log'),
    capabilities: z.array(input.name).min(1).max(100),
    waitMs: input.waitMs.describe('How long to wait where there is nothing'),
    idempotencyKey: input.name
      .optional()
      .describe('Names the call: made again with it, you are given again what you hold of it'),
  }),
  async call({ worker, ...wanted }, { host, by, signal }) {
    const [claimed] = await host.work.claim({ worker: worker ?? by, ...wanted, signal });
    if (claimed === undefined) {
      return { message: 'there is nothing to do', status: 'idle', work: null };
    }
    return { ...(await about(host, claimed)), work: workInShort(claimed) };
  },
});

async function about(host: ToolHost, { run, node }: { run: string; node: string }) {
  const { status, plan } = await host.runs.summary(run);
  return { message: `"${node}" is yours`, status, changedNodeId: node, plan: inShort(plan), run };
}

function workInShort({ input: given, lastHeartbeat, feedback, ...work }: ClaimedWork) {
  const { token: named, node, generation, attempt, capability, handler, key } = work;
  const { isLastTry, leaseMs, expiresAt, deadlineAt, idempotencyKey } = work;
  return {
    ...{ token: named, node, generation, attempt, capability, handler, key, idempotencyKey },
    ...{ isLastTry, leaseMs, expiresAt, deadlineAt },
    ...(given !== undefined && { input: shown(given) }),
    ...(lastHeartbeat !== undefined && { lastHeartbeat: aside(lastHeartbeat) }),
    ...(feedback.length > 0 && { feedback: shown(feedback) }),
  };
}

const told = { role: 'worker', changes: 'adds', isIdempotent: true } as const;

const heartbeatWork = tool({
  ...told,
  name: 'heartbeat_work',
  title: 'Keep work',
  description:
    'Extends the lease of work that was claimed, and tells whether it is cancelled: then stop. `progress` is shown to others; `payload` goes to whoever tries next, should this try be lost.',
  input: z.strictObject({
    token,
    payload: input.json.optional(),
    progress: input.json.optional(),
  }),
  async call({ token: named, payload, progress }, { host }) {
    let lease: LeaseState | undefined;
    if (progress !== undefined) lease = await host.work.progress(named, progress);
    if (payload !== undefined || lease === undefined) {
      lease = await host.work.heartbeat(named, payload === undefined ? {} : { payload });
    }
    return {
      message: lease.isCancelled ? 'the work is called off: stop' : 'the work is still yours',
      status: lease.isCancelled ? 'cancelled' : 'held',
      lease,
    };
  },
});

const submitWork = tool({
  ...told,
  name: 'submit_work',
  title: 'Submit work',
  description:
    'Ends work that was claimed, with its result: the output of the node, or a result record {output, status?, action?, artifacts?, notes?}. The same again gets the same answer. If the result does not fit, the node decides about another try: look with read_node.',
  input: z.strictObject({ token, result: input.json.optional() }),
  async call({ token: named, result }, { host }) {
    return ended(host, await host.work.complete(named, result), 'was submitted');
  },
});

const failWork = tool({
  ...told,
  name: 'fail_work',
  title: 'Fail work',
  description:
    'Ends work that was claimed with a failure; the node decides about another try. `retryable: false` where that makes no sense.',
  input: z.strictObject({
    token,
    error: z.strictObject({
      message: z.string().max(16_384),
      code: input.name.optional(),
      class: input.name.optional().describe('Class of the failure, for policies of the plan'),
      retryable: z.boolean().optional(),
    }),
  }),
  async call({ token: named, error }, { host }) {
    return ended(host, await host.work.fail(named, error), 'has failed in this try');
  },
});

const releaseWork = tool({
  ...told,
  name: 'release_work',
  title: 'Release work',
  description: 'Gives work back that was claimed, for another worker; that uses up no try.',
  input: z.strictObject({ token }),
  async call({ token: named }, { host }) {
    return ended(host, await host.work.release(named), 'was given back');
  },
});

async function ended(host: ToolHost, accepted: AcceptedResult, what: string) {
  const answer = await about(host, accepted);
  return { ...answer, message: `"${accepted.node}" ${what}`, accepted };
}

export const WORK_TOOLS = [
  ...[listWork, claimWork, heartbeatWork, submitWork, failWork, releaseWork],
];
