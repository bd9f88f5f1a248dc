/** All tools, by name. */
import type { Tool } from './tool.js';
import { PEOPLE_TOOLS } from './tools/people.js';
import { PLAN_TOOLS } from './tools/plans.js';
import { RUN_TOOLS } from './tools/runs.js';
import { STEER_TOOLS } from './tools/steer.js';
import { WORK_TOOLS } from './tools/work.js';

export const TOOLS: readonly Tool[] = [
  ...[PLAN_TOOLS, RUN_TOOLS, STEER_TOOLS, PEOPLE_TOOLS, WORK_TOOLS].flat(),
];
