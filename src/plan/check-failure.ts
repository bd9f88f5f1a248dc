/** Checks that what a node wants done about failures can be done: each action has what it needs. */
import { checkWayBack } from './check-way-back.js';
import type { Reporter } from './findings.js';
import type { PlanNode } from './node-schemas.js';
import { actionsOf, failurePolicyOf } from './node-settings.js';
import type { FailureAction } from './plan-version.js';
import { pointer } from './pointer.js';
import type { NodeOutline } from './shape.js';
import type { Topology } from './topology.js';

/** The setting that an action needs. */
const SETTINGS = { fallback: 'fallback', escalate: 'escalation', backtrack: 'backtrack' } as const;
type ActionWithSetting = keyof typeof SETTINGS;

const OF_COMPOSITES: ReadonlySet<FailureAction> = new Set<FailureAction>([
  'abort',
  'skip',
  'continue',
  'retry',
  'human-review',
  'replan',
]);

export function checkFailureSettings(
  { index }: NodeOutline,
  node: PlanNode,
  topology: Topology,
  findings: Reporter,
): void {
  const actions = actionsOf(failurePolicyOf(node));
  if (node.kind === 'action') {
    checkSettings(node, index, actions, findings);
    checkBacktrack(node, index, topology, findings);
    return;
  }
  for (const action of actions) {
    if (OF_COMPOSITES.has(action)) continue;
    findings.block({
      code: 'failure-action-unsupported',
      message: `A ${node.kind} cannot ${action}`,
      path: pointer('nodes', index, 'onFailure'),
      node: node.id,
      hint: `It can ${[...OF_COMPOSITES].join(', ')}`,
    });
  }
}

function checkSettings(
  node: Extract<PlanNode, { kind: 'action' }>,
  index: number,
  actions: ReadonlySet<FailureAction>,
  findings: Reporter,
): void {
  for (const action of Object.keys(SETTINGS) as ActionWithSetting[]) {
    const setting = SETTINGS[action];
    const isDeclared = node[setting] !== undefined;
    if (actions.has(action) && !isDeclared) {
      findings.block({
        code: 'failure-setting-missing',
        message: `'${node.id}' is to ${action}, and has no \`${setting}\``,
        path: pointer('nodes', index, 'onFailure'),
        node: node.id,
        hint: `Add \`${setting}\``,
      });
    } else if (isDeclared && !actions.has(action)) {
      findings.warn({
        code: 'failure-setting-unused',
        message: `\`${setting}\` is never used: no failure of '${node.id}' is to ${action}`,
        path: pointer('nodes', index, setting),
        node: node.id,
        hint: `Add \`onFailure: ${action}\``,
      });
    }
  }
}

function checkBacktrack(
  node: Extract<PlanNode, { kind: 'action' }>,
  index: number,
  topology: Topology,
  findings: Reporter,
): void {
  if (node.backtrack === undefined) return;
  const path = pointer('nodes', index, 'backtrack', 'to');
  checkWayBack(node.id, node.backtrack.to, path, topology, findings);
}
