/** Who may do what with a task. Pure; every answer is a refusal that says why, or nothing. */
import { RunchartError } from '../../errors.js';
import type { Principal, RunSettings, TaskPeople, TaskRecord } from '../records.js';

export function peopleOf({ peopleJson }: TaskRecord): TaskPeople {
  return peopleJson === null ? {} : (JSON.parse(peopleJson) as TaskPeople);
}

/** All who have asked for a run: who started it, and who made it of another one. */
export function requestersOf({
  requestedBy,
  derivedBy = [],
}: Pick<RunSettings, 'requestedBy' | 'derivedBy'>): readonly string[] {
  return requestedBy === undefined ? derivedBy : [requestedBy, ...derivedBy];
}

/** Who may not answer since they have asked for the run, or have given what is judged. */
export function barredFrom({ excluded = [], givenBy = [] }: TaskPeople): readonly string[] {
  return [excluded, givenBy].flat();
}

/** Says why somebody may not answer a task now. `who` is null where no name was given. */
export function refuseResponder(
  task: TaskRecord,
  who: Principal | null,
): RunchartError | undefined {
  const people = peopleOf(task);
  const refusal = refuseExcluded(task, people, who);
  if (refusal !== undefined) return refusal;
  if (task.assignee !== null) {
    if (who?.name === task.assignee) return undefined;
    return new RunchartError('task-claimed', `task ${task.id} belongs to ${task.assignee}`, {
      hint: 'wait until it is released, or have it assigned to you',
    });
  }
  return refuseUnentitled(task, people, who);
}

/** Says why somebody may not take a task for himself. */
export function refuseClaim(task: TaskRecord, who: Principal): RunchartError | undefined {
  const people = peopleOf(task);
  if (people.quorum !== undefined) return notClaimable(task);
  if (task.assignee !== null && task.assignee !== who.name) {
    return new RunchartError('task-claimed', `task ${task.id} belongs to ${task.assignee}`);
  }
  return refuseExcluded(task, people, who) ?? refuseUnentitled(task, people, who);
}

/** Says why an operator may not give a task to somebody. */
export function refuseAssignment(task: TaskRecord, to: Principal): RunchartError | undefined {
  const people = peopleOf(task);
  return people.quorum === undefined ? refuseExcluded(task, people, to) : notClaimable(task);
}

function notClaimable({ id }: TaskRecord): RunchartError {
  return new RunchartError('task-not-claimable', `task ${id} takes the votes of several`);
}

/** Says why somebody may not hand a task on to another. */
export function refuseDelegation(
  task: TaskRecord,
  who: Principal,
  to: Principal,
): RunchartError | undefined {
  const people = peopleOf(task);
  if (people.delegation === 'none' || people.quorum !== undefined) {
    return new RunchartError('delegation-refused', `task ${task.id} is not to be handed on`);
  }
  const refusal = refuseResponder(task, who) ?? refuseExcluded(task, people, to);
  if (refusal !== undefined || people.delegation === 'anyone') return refusal;
  return refuseUnentitled(task, people, to);
}

/**
 * The requester decides nothing under four eyes, and nobody judges his own answer, in whatever way the
 * task came to him.
 */
export function refuseExcluded(
  task: TaskRecord,
  people: TaskPeople,
  who: Principal | null,
): RunchartError | undefined {
  const barred = barredFrom(people);
  const isNamed = barred.length > 0 || people.quorum !== undefined;
  if (who === null && isNamed) {
    return new RunchartError('responder-refused', `task ${task.id} is answered under a name`, {
      hint: 'say who answers',
    });
  }
  if (who === null || !barred.includes(who.name)) return undefined;
  const isOwn = people.givenBy?.includes(who.name) === true;
  const what = isOwn ? 'gave the answer that is judged' : 'asked for this run';
  const message = `${who.name} ${what}, and may not answer task ${task.id}`;
  return new RunchartError('responder-excluded', message, {
    hint: 'somebody else has to answer it',
  });
}

function refuseUnentitled(
  task: TaskRecord,
  { responders, groups }: TaskPeople,
  who: Principal | null,
): RunchartError | undefined {
  if (responders === undefined && groups === undefined) return undefined;
  if (who !== null && responders?.includes(who.name)) return undefined;
  if (who?.groups.some((group) => groups?.includes(group))) return undefined;
  const named = [...(responders ?? []), ...(groups ?? []).map((group) => `the group ${group}`)];
  const message = `${who?.name ?? 'an unnamed responder'} may not answer task ${task.id}`;
  return new RunchartError('responder-refused', message, {
    hint: `name one of: ${named.join(', ')}`,
  });
}
