import { Fragment } from 'react';

interface Transition {
  readonly target?: string;
  readonly guard?: unknown;
}

type Targets = string | Transition | readonly (string | Transition)[];

export interface StateDefinition {
  readonly id?: string;
  readonly initial?: string;
  readonly type?: string;
  readonly on?: Readonly<Record<string, Targets>>;
  readonly states?: Readonly<Record<string, StateDefinition>>;
}

/** A statechart from its definition: states as boxes in boxes, the active ones lit, with what leads out of them. */
export function Statechart({
  definition,
  active,
}: {
  readonly definition: StateDefinition;
  /** The names of the active states, from the outermost in. */
  readonly active: readonly string[];
}) {
  return (
    <div className="chart" data-testid="chart">
      <States definition={definition} active={active} />
      {definition.on && (
        <details>
          <summary>in any state</summary>
          <Transitions on={definition.on} />
        </details>
      )}
    </div>
  );
}

function States({
  definition,
  active,
}: {
  definition: StateDefinition;
  active: readonly string[];
}) {
  const [lit, ...within] = active;
  return (
    <div className="states">
      {Object.entries(definition.states ?? {}).map(([name, state]) => (
        <State
          key={name}
          name={name}
          state={state}
          isInitial={definition.initial === name}
          isActive={lit === name}
          within={lit === name ? within : []}
        />
      ))}
    </div>
  );
}

function State(props: {
  readonly name: string;
  readonly state: StateDefinition;
  readonly isInitial: boolean;
  readonly isActive: boolean;
  readonly within: readonly string[];
}) {
  const { name, state, isInitial, isActive, within } = props;
  const marks = `${isActive ? 'is-active' : ''} ${state.type === 'final' ? 'is-final' : ''}`;
  return (
    <div
      className={`state ${marks}`}
      data-state={name}
      aria-current={isActive ? 'step' : undefined}
    >
      <h4>
        {isInitial && <span className="initial" title="initial" />}
        {name}
      </h4>
      {state.states && <States definition={state} active={within} />}
      {isActive && state.on && <Transitions on={state.on} />}
    </div>
  );
}

function Transitions({ on }: { readonly on: Readonly<Record<string, Targets>> }) {
  return (
    <dl>
      {Object.entries(on).map(([event, targets]) => (
        <Fragment key={event}>
          <dt>{event}</dt>
          {([targets].flat() as readonly (string | Transition)[]).map((target, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: transitions of an event have no name but their place
            <dd key={index}>{describe(target)}</dd>
          ))}
        </Fragment>
      ))}
    </dl>
  );
}

function describe(transition: string | Transition): string {
  if (typeof transition === 'string') return nameOf(transition);
  const { target, guard } = transition;
  const when = typeof guard === 'object' ? (guard as { type?: string } | null)?.type : guard;
  const goes = target === undefined ? 'stays' : nameOf(target);
  return when === undefined ? goes : `${goes} if ${String(when)}`;
}

/** Without the id of the machine in front. */
function nameOf(target: string): string {
  return target.replace(/^#[^.]*/, '').replace(/^\./, '');
}
