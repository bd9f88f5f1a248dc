import { useDeferredValue, useEffect, useRef, useState } from 'react';
import type { RunEvent } from '../../src/views.js';
import { lookAt } from './follow.js';
import { store, useView } from './run-store.js';
import { readEvents } from './server.js';

/** Events that are listed before the one that is looked at, and behind it. */
const BEFORE = 60;
const BEHIND = 20;

/** The log: where in it the run is looked at, and the way back to what goes on now. */
export function Timeline() {
  const head = useView((view) => view.head);
  const oldest = useView((view) => view.graph?.oldest ?? 1);
  const at = useView((view) => view.at);
  const shown = at ?? head;
  const go = (seq: number) => void lookAt(Math.min(Math.max(seq, oldest), head));
  return (
    <section className="timeline" aria-label="Timeline">
      <div className="position">
        <button type="button" onClick={() => go(oldest)}>
          First
        </button>
        <button type="button" onClick={() => go(shown - 1)}>
          Back
        </button>
        <input
          type="range"
          aria-label="Event that is looked at"
          min={oldest}
          max={Math.max(head, oldest)}
          value={shown}
          onChange={(event) => go(Number(event.target.value))}
        />
        <button type="button" onClick={() => go(shown + 1)}>
          Forward
        </button>
        <button type="button" onClick={() => void lookAt(null)} disabled={at === null}>
          Newest
        </button>
        <output data-testid="position">
          {at === null ? `event ${head}, the newest` : `event ${at} of ${head}`}
        </output>
      </div>
      <Log shown={shown} />
    </section>
  );
}

function Log({ shown }: { readonly shown: number }) {
  const run = useView((view) => view.run);
  const position = useDeferredValue(shown);
  const [events, setEvents] = useState<readonly RunEvent[]>([]);
  const current = useRef<HTMLLIElement>(null);
  useEffect(() => {
    let isWanted = position > 0;
    readEvents(run, Math.max(position - BEFORE, 0), BEFORE + BEHIND).then(
      (found) => isWanted && setEvents(found),
      () => {},
    );
    return () => {
      isWanted = false;
    };
  }, [run, position]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the current line is another one then
  useEffect(() => current.current?.scrollIntoView({ block: 'nearest' }), [events, shown]);
  return (
    <ol className="log" data-testid="log">
      {events.map(({ seq, type, node, detail }) => (
        <li
          key={seq}
          ref={seq === shown ? current : null}
          className={seq === shown ? 'is-current' : seq > shown ? 'is-later' : ''}
        >
          <button type="button" onClick={() => void lookAt(seq)}>
            <code>{seq}</code> {type}
          </button>
          {node !== null && (
            <button type="button" onClick={() => store.trigger.selected({ path: node })}>
              {node}
            </button>
          )}
          <span>{Object.keys(detail).length > 0 && JSON.stringify(detail)}</span>
        </li>
      ))}
    </ol>
  );
}
