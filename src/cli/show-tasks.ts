/** Tells a person what is asked, and how to answer. */
import type { JsonObject, JsonValue, TaskView } from '../index.js';
import { asksForScore } from './answer.js';
import { type DatabaseOption, databaseWords } from './database.js';
import { clean, when } from './output.js';

const MAX_INPUT_LINES = 20;

/** The task with everything that was presented, and the next command. */
export function describeTask(task: TaskView, option: DatabaseOption): string {
  const { objective, instructions, criteria, input, options, output, threshold } = task.presented;
  const lines = [
    `"${task.node || 'the run'}" waits for a person (task ${task.id})`,
    ...textLine('objective', objective),
    ...textLine('asked', instructions),
    ...(Array.isArray(criteria) ? criteria.flatMap((text) => textLine('criterion', text)) : []),
    ...textLine('may answer', peopleOf(task)),
    ...(task.assignee === null ? [] : textLine('belongs to', task.assignee)),
    ...(task.deadlineAt === null ? [] : textLine('until', `${when(task.deadlineAt)} UTC`)),
    ...(Array.isArray(options) ? options.flatMap(optionLine) : []),
    ...failureLine(task.presented.failure),
    ...(threshold === undefined ? [] : textLine('good enough from', String(threshold))),
    ...valueLines('about', input),
    ...valueLines('given', output),
    ...artifactLines(task.presented.artifacts),
    'answer with one of',
    ...answerWords(task).map(
      (words) =>
        `  npx runchart respond ${task.id} ${words}${nameWords(task)}${databaseWords(option)}`,
    ),
  ];
  return lines.map(clean).join('\n');
}

function peopleOf({ responders, groups, quorum }: TaskView): string {
  const named = [...(responders ?? []), ...(groups ?? []).map((group) => `the group ${group}`)];
  const votes = quorum === null ? '' : ` (${quorum.approvals} approvals decide)`;
  return named.join(', ') + votes;
}

/** Where not everybody may answer it has to be said who does. */
function nameWords({ responders, groups }: TaskView): string {
  const [first, ...others] = responders ?? [];
  const isAlone = first !== undefined && others.length === 0 && (groups ?? []).length === 0;
  if (isAlone && /^[\w.@-]+$/.test(first)) return ` --as ${first}`;
  return responders === null && groups === null ? '' : ' --as NAME';
}

/** Whether the task is about work that failed: accept an output, try again, or give it up. */
export function isReview(kind: string): boolean {
  return kind === 'human-review' || kind === 'escalation';
}

function answerWords(task: TaskView): string[] {
  const { kind } = task;
  if (asksForScore(task)) return ['--score NUMBER', `--response '{"score": …, "comments": …}'`];
  if (isReview(kind)) {
    return [
      `--response '{"decision": "retry"}'`,
      `--response '{"decision": "accept", "output": …}'`,
      `--response '{"decision": "abort"}'`,
    ];
  }
  if (kind === 'budget' || kind === 'deadline') return ['--approve', '--reject "why"'];
  if (kind === 'human-input') return ['--response FILE', `--response '{…}'`];
  if (kind === 'human-decision') return [`--response '{"choice": …}'`];
  if (kind === 'human-review-edit') {
    return [
      `--response '{"decision": "accept"}'`,
      `--response '{"decision": "edit", "output": …}'`,
      `--response '{"decision": "send-back", "requiredEdits": ["what"]}'`,
      `--response '{"decision": "reject"}'`,
    ];
  }
  return ['--approve', '--request-changes "what"', '--reject "why"'];
}

function optionLine(option: JsonValue): string[] {
  const { id, title } = option as JsonObject;
  return textLine('option', typeof title === 'string' ? `${id}: ${title}` : id);
}

/** What work failed with, where the task is about it. */
function failureLine(failure: JsonValue | undefined): string[] {
  if (typeof failure !== 'object' || failure === null || Array.isArray(failure)) return [];
  return textLine('failed with', failure.message);
}

function textLine(label: string, value: JsonValue | undefined): string[] {
  return typeof value === 'string' && value !== '' ? [`  ${label}: ${value}`] : [];
}

/** Each artifact that is looked at, with where it is; payloads that are kept in files are read by name. */
function artifactLines(artifacts: JsonValue | undefined): string[] {
  if (!Array.isArray(artifacts)) return [];
  return artifacts.flatMap((artifact) => {
    const { name, kind, pointer, payload } = artifact as JsonObject;
    const label = `artifact ${name} (${kind})`;
    return payload === undefined ? textLine(label, pointer ?? 'kept') : valueLines(label, payload);
  });
}

function valueLines(label: string, value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  const lines = renderValue(value);
  const rest = lines.length - MAX_INPUT_LINES;
  return [
    `  ${label}:`,
    ...lines.slice(0, MAX_INPUT_LINES).map((line) => `    ${line}`),
    ...(rest > 0 ? [`    … and ${rest} more lines; see npx runchart show`] : []),
  ];
}

function renderValue(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.map((item) => `- ${renderInline(item)}`);
  if (typeof value !== 'object' || value === null) return [renderInline(value)];
  return Object.entries(value as JsonObject).flatMap(([key, item]) =>
    Array.isArray(item) && item.length > 0
      ? [`${key}:`, ...renderValue(item)]
      : [`${key}: ${renderInline(item)}`],
  );
}

function renderInline(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return JSON.stringify(value);
  return Object.entries(value as JsonObject)
    .map(([key, item]) => `${key} ${typeof item === 'string' ? item : JSON.stringify(item)}`)
    .join(', ');
}
