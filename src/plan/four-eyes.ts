/** Nodes whose question may not be answered by the one who asked for the run: that one has to be known. */
import type { CompiledNode, PlanGraph } from './plan-version.js';

export function findFourEyes({ nodes }: PlanGraph): CompiledNode | undefined {
  return nodes.find(({ human, checks }) => human?.fourEyes === true || isJudgedSo(checks));
}

function isJudgedSo({ judges }: CompiledNode['checks']): boolean {
  return judges.some((check) => 'ask' in check && check.ask.fourEyes);
}
