import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { ActorStep } from '../../src/inspect/actor-history.js';
import { lookAt } from './follow.js';
import { shownActors, store, useView } from './run-store.js';
import { readSteps } from './server.js';
import { Statechart, type StateDefinition } from './statechart.js';
import { activePath, statusOf, untouchedStatus } from './statuses.js';

/** Node runs inside of a loop or a map that are listed at once. */
const MAX_INSIDE = 200;

/** The selected actor: its statechart, how it came to stand so, and what its context has. */
export function ActorPanel() {
  const selected = useView((view) => view.selected);
  const snapshot = useView((view) => shownActors(view).get(view.selected));
  const run = useView((view) => view.run);
  const untouched = useView((view) => untouchedStatus(shownActors(view).get('')?.value));
  const machine = selected === '' ? 'run' : 'node-run';
  const text = useView((view) => view.definitions[machine]);
  const definition = useMemo(
    () => (text === undefined ? undefined : (JSON.parse(text) as StateDefinition)),
    [text],
  );
  const value = snapshot?.value ?? untouched;
  return (
    <aside aria-label="Selected actor">
      <h2 data-testid="selected">{selected === '' ? run : selected}</h2>
      <p>
        <span className={`badge ${statusOf(value)}`} data-testid="actor-status">
          {statusOf(value)}
        </span>{' '}
        {activePath(value).slice(1).join(' › ')}
        {snapshot === undefined && ' (never touched)'}
      </p>
      <Inside host={selected} />
      <h3>Statechart</h3>
      {definition && <Statechart definition={definition} active={activePath(value)} />}
      <h3>Context</h3>
      <pre data-testid="context">{JSON.stringify(snapshot?.context ?? {}, null, 2)}</pre>
      <Steps />
    </aside>
  );
}

function Inside({ host }: { readonly host: string }) {
  const actors = useView(shownActors);
  const inside = useMemo(
    () => (host === '' ? [] : [...actors].filter(([path]) => path.startsWith(`${host}[`))),
    [actors, host],
  );
  if (inside.length === 0) return null;
  return (
    <details open>
      <summary>Inside: {inside.length}</summary>
      <ul className="inside">
        {inside.slice(0, MAX_INSIDE).map(([path, { value }]) => (
          <li key={path}>
            <button type="button" onClick={() => store.trigger.selected({ path })}>
              <span className={`dot ${statusOf(value)}`} /> {path}
            </button>
          </li>
        ))}
      </ul>
      {inside.length > MAX_INSIDE && <p>and {inside.length - MAX_INSIDE} more</p>}
    </details>
  );
}

/** Asked for anew when the actor has changed. */
function Steps() {
  const run = useView((view) => view.run);
  const actor = useView((view) => view.selected);
  const at = useView((view) => view.at);
  const snapshot = useDeferredValue(useView((view) => shownActors(view).get(view.selected)));
  const [steps, setSteps] = useState<readonly ActorStep[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another snapshot means that there is another step
  useEffect(() => {
    let isWanted = true;
    readSteps(run, actor, at ?? undefined).then(
      (found) => isWanted && setSteps(found),
      () => isWanted && setSteps([]),
    );
    return () => {
      isWanted = false;
    };
  }, [run, actor, at, snapshot]);
  return (
    <>
      <h3>Steps</h3>
      <ol className="steps" data-testid="steps">
        {steps.map(({ seq, type, value }) => (
          <li key={seq}>
            <button type="button" onClick={() => lookAt(seq)} title={`Look at event ${seq}`}>
              <code>{seq}</code> {type} <em>{activePath(value).join(' › ')}</em>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
