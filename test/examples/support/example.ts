/** Plans and handlers of the folders of `examples`, and logs in a form that is easy to compare. */
import { readFileSync } from 'node:fs';
import { type Handlers, type JsonObject, type Plan, parsePlanText } from '../../../src/index.js';
import type { RunEvent } from '../../../src/views.js';

export interface Example {
  readonly plan: Plan;
  readonly handlers: Handlers;
}

/** Reads an example as the command line does: its plan as it is written, its handlers as they are exported. */
export async function openExample(name: string): Promise<Example> {
  const folder = new URL(`../../../examples/${name}/`, import.meta.url);
  const parsed = parsePlanText(readFileSync(new URL('plan.yaml', folder), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const module: { handlers: Handlers } = await import(new URL('handlers.mjs', folder).href);
  // A draft: it is checked where it is compiled, when a run starts.
  return { plan: parsed.draft as unknown as Plan, handlers: module.handlers };
}

/** The same plan, one of its nodes with other settings. */
export function withNode(plan: Plan, id: string, settings: JsonObject): Plan {
  const nodes = plan.nodes.map((node) => (node.id === id ? { ...node, ...settings } : node));
  return { ...plan, nodes } as Plan;
}

/** Events as `type node#attempt`; those with a transition of the run as `type from→to`. */
export function linesOf(events: Iterable<RunEvent>): string[] {
  return [...events].map(({ type, node, attempt, detail }) => {
    if (node !== null) return `${type} ${node}${attempt === null ? '' : `#${attempt}`}`;
    if (!type.startsWith('run.') || typeof detail.to !== 'string') return type;
    return `${type} ${detail.from ?? ''}→${detail.to}`;
  });
}

/** What every run begins with. */
export const BEGINNING = [
  'run.created →pending',
  'run.admitted pending→ready',
  'run.started ready→running',
];
