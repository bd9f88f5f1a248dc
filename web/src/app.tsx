import { useEffect, useState } from 'react';
import type { ListedRun } from '../../src/http/inspect/inspect-app.js';
import { ActorPanel } from './actor-panel.js';
import { follow } from './follow.js';
import { RunGraphView } from './run-graph-view.js';
import { shownActors, useView } from './run-store.js';
import { listRuns } from './server.js';
import { NODE_STATUSES, statusOf } from './statuses.js';
import { Timeline } from './timeline.js';

export function App({ run }: { readonly run: string | null }) {
  return run === null ? <Runs /> : <Run run={run} />;
}

function Run({ run }: { readonly run: string }) {
  useEffect(() => follow(run), [run]);
  const isShown = useView((view) => view.run === run);
  if (!isShown) return null;
  return (
    <main className="run">
      <Head />
      <RunGraphView />
      <ActorPanel />
      <Timeline />
    </main>
  );
}

function Head() {
  const graph = useView((view) => view.graph);
  const run = useView((view) => view.run);
  const connection = useView((view) => view.connection);
  const problem = useView((view) => view.problem);
  const status = useView((view) => statusOf(shownActors(view).get('')?.value));
  return (
    <header>
      <a href="./">Runs</a>
      <h1>{graph?.title ?? '…'}</h1>
      <code>{run}</code>
      <span className={`badge ${status}`} data-testid="run-status">
        {status}
      </span>
      <span className="connection" data-testid="connection">
        {connection}
      </span>
      {problem !== undefined && <span className="problem">{problem}</span>}
      <ul className="legend" aria-label="Colours of statuses">
        {NODE_STATUSES.map((name) => (
          <li key={name} className={name}>
            {name}
          </li>
        ))}
      </ul>
    </header>
  );
}

function Runs() {
  const [runs, setRuns] = useState<readonly ListedRun[]>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    listRuns().then(setRuns, (error: Error) => setProblem(error.message));
  }, []);
  return (
    <main className="runs">
      <h1>Runs</h1>
      {problem !== undefined && <p className="problem">{problem}</p>}
      <ul>
        {runs?.map(({ id, status, createdAt }) => (
          <li key={id}>
            <a href={`?run=${encodeURIComponent(id)}`}>{id}</a>
            <span className={`badge ${status}`}>{status}</span>
            <time>{new Date(createdAt).toISOString()}</time>
          </li>
        ))}
      </ul>
    </main>
  );
}
