import {
  DEFAULT_LIMITS,
  type OrchestratorLimits,
  type OrchestratorOptions,
} from '../orchestrator-options.js';
import type { SettingName, Settings } from './settings.js';

/** What an orchestrator is made with by its settings. */
export function orchestratorOptions(
  settings: Settings,
): Pick<OrchestratorOptions, 'limits' | 'retention' | 'executors' | 'audit'> {
  const runsMs = settings['retention.runs'];
  const historyMs = settings['retention.history'];
  const everyMs = settings['retention.every'];
  const answersMs = settings['retention.answers'];
  const isWanted = [runsMs, historyMs, answersMs].some((age) => age !== undefined);
  return {
    limits: limitsOf(settings),
    executors: settings.executors ?? [],
    audit: {
      maxRecords: settings['retention.auditRecords'],
      maxAgeMs: settings['retention.audit'],
    },
    ...(isWanted && {
      retention: {
        ...(runsMs !== undefined && { runsMs }),
        ...(historyMs !== undefined && { historyMs }),
        ...(answersMs !== undefined && { answersMs }),
        ...(everyMs !== undefined && { everyMs }),
      },
    }),
  };
}

function limitsOf(settings: Settings): Partial<OrchestratorLimits> {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof OrchestratorLimits)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = settings[`limits.${name}` as SettingName];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
