/** Nodes whose question may not be answered by the one who asked for the run: that one has to be known. */
import type { CompiledNode, PlanGraph } from './plan-version.js';

export function findFourEyes({ nodes }: PlanGraph): CompiledNode | undefined {
  return nodes.find(isUnderFourEyes);
}

export function isUnderFourEyes({ human, checks }: CompiledNode): boolean {
  return human?.fourEyes === true || isJudgedSo(checks);
}

function isJudgedSo({ judges }: CompiledNode['checks']): boolean {
  return judges.some((check) => 'ask' in check && check.ask.fourEyes);
}
