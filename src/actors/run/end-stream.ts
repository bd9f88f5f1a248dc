/** The marker of what an attempt has streamed, in the turn that ends it; none where it has streamed nothing. */
import type { AttemptName } from '../messages.js';
import type { Decider } from './decider.js';

export function endStream({ model, services, turn }: Decider, name: AttemptName): void {
  if (services.streams.isEmpty) return;
  const { node, generation, attempt } = name;
  const key = `${model.record.id}/${node}/${generation}/${attempt}`;
  const streamed = services.streams.countsOf(key);
  if (streamed === undefined) return;
  const seq = turn.event('attempt.streamed', node, attempt, {
    ...streamed,
    generation: generation > 1 ? generation : undefined,
  });
  turn.effects.push({ type: 'stream.end', key, seq });
}

/** Lets go what an attempt that is over has streamed since: it has its marker, if it needed one. */
export function forgetStream({ model, services, turn }: Decider, name: AttemptName): void {
  const { node, generation, attempt } = name;
  const open = model.work.openAttempts.get(node);
  if (open?.generation === generation && open.attempt === attempt) return;
  const key = `${model.record.id}/${node}/${generation}/${attempt}`;
  if (!services.streams.isEmpty) turn.effects.push({ type: 'stream.end', key, seq: null });
}
