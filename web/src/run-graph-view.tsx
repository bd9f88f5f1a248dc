import {
  Background,
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  type ReactFlowInstance,
} from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import type { RunGraph } from '../../src/inspect/run-graph.js';
import { type Box, boxesAround, type Drawing, draw } from './boxes.js';
import { BOX_HEIGHT, BOX_WIDTH, type Place, placesOf } from './layout.js';
import { type Actors, countInside, shownActors, store, useView } from './run-store.js';
import { NODE_STATUSES, statusOf, untouchedStatus } from './statuses.js';

type BoxNode = Node<BoxData, 'box'>;

type BoxData = {
  readonly label: string;
  readonly kind: string;
  /** Status of the node; of many nodes the one that says most. */
  readonly status: string;
  /** Of many nodes, or of those inside a node: how many there are of each status. */
  readonly counts: string;
};

const NODE_TYPES = { box: memo(BoxView) };
const NO_GRAPH: RunGraph = { run: '', title: '', nodes: [], edges: [], seq: 0, oldest: 1 };

/** The graph of the run; nodes that are too many to be seen are drawn together, and opened with a click. */
export function RunGraphView() {
  const graph = useView((view) => view.graph) ?? NO_GRAPH;
  const opened = useView((view) => view.opened);
  const selected = useView((view) => view.selected);
  const actors = useView(shownActors);
  const outcomes = useView((view) => view.edges);
  const { nodes: planNodes, edges: planEdges } = useSame(graph);
  const drawing = useMemo(() => draw(planNodes, planEdges, opened), [planNodes, planEdges, opened]);
  const places = usePlaces(drawing, planEdges);
  const flow = useRef<ReactFlowInstance<BoxNode> | null>(null);
  const kinds = useMemo(() => new Map(planNodes.map(({ id, kind }) => [id, kind])), [planNodes]);

  const nodes = useMemo(
    () =>
      places === undefined
        ? []
        : places.drawing.boxes.map(
            (box): BoxNode => ({
              id: box.id,
              type: 'box',
              position: places.at.get(box.id) ?? { x: 0, y: 0 },
              width: BOX_WIDTH,
              height: BOX_HEIGHT,
              selected: box.id === selected,
              data: dataOf(box, kinds, actors),
            }),
          ),
    [places, kinds, actors, selected],
  );
  const edges = useMemo(
    () => (places === undefined ? [] : edgesOf(places.drawing, planEdges, outcomes)),
    [places, planEdges, outcomes],
  );
  useEffect(() => {
    if (places !== undefined) void flow.current?.fitView({ maxZoom: 1, padding: 0.1 });
  }, [places]);

  return (
    <section className="graph" aria-label="Graph of the run" data-drawn={nodes.length}>
      <Find graph={graph} />
      <ReactFlow<BoxNode>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        onInit={(instance) => {
          flow.current = instance;
        }}
        onNodeClick={(_, { id }) => choose(drawing, id)}
        onPaneClick={() => store.trigger.selected({ path: '' })}
        onlyRenderVisibleElements
        nodesDraggable={false}
        nodesConnectable={false}
        fitView
        minZoom={0.05}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </section>
  );
}

function choose({ boxes }: Drawing, id: string): void {
  const box = boxes.find((one) => one.id === id);
  if (box === undefined) return;
  if (box.members.length === 1) store.trigger.selected({ path: id });
  else store.trigger.opened({ boxes: [id] });
}

/** The graph as it was, as long as nothing of it has changed: nothing is placed anew without need. */
function useSame(graph: RunGraph): RunGraph {
  const kept = useRef(graph);
  const text = useMemo(() => JSON.stringify([graph.nodes, graph.edges]), [graph]);
  const keptText = useRef('');
  if (text !== keptText.current) {
    kept.current = graph;
    keptText.current = text;
  }
  return kept.current;
}

/** Where the boxes are, once that has been worked out; until then, where those of before are. */
function usePlaces(drawing: Drawing, planEdges: RunGraph['edges']) {
  const [places, setPlaces] = useState<{
    readonly drawing: Drawing;
    readonly at: ReadonlyMap<string, Place>;
  }>();
  useEffect(() => {
    let isWanted = drawing.boxes.length > 0;
    const hasLabels = planEdges.some(({ label }) => label !== undefined);
    placesOf(drawing, hasLabels).then((at) => {
      if (isWanted) setPlaces({ drawing, at });
    });
    return () => {
      isWanted = false;
    };
  }, [drawing, planEdges]);
  return places;
}

function Find({ graph }: { readonly graph: RunGraph }) {
  const hasOpened = useView((view) => view.opened.size > 0);
  const find = (id: string) => {
    if (!graph.nodes.some((node) => node.id === id)) return;
    store.trigger.opened({ boxes: boxesAround(graph.nodes, graph.edges, id) });
    store.trigger.selected({ path: id });
  };
  return (
    <form className="find" onSubmit={(event) => event.preventDefault()}>
      <label>
        Find a node
        <input list="nodes" onChange={(event) => find(event.target.value)} />
      </label>
      <datalist id="nodes">
        {graph.nodes.slice(0, 500).map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      {hasOpened && (
        <button type="button" onClick={() => store.trigger.closed()}>
          Draw together again
        </button>
      )}
    </form>
  );
}

function BoxView({ data, selected }: NodeProps<BoxNode>) {
  const { label, kind, status, counts } = data;
  return (
    <div
      className={`box ${status} ${selected ? 'is-selected' : ''}`}
      data-status={status}
      title={label}
    >
      <Handle type="target" position={Position.Left} />
      <strong>{label}</strong>
      <small>{counts === '' ? `${kind} · ${status}` : counts}</small>
      <Handle type="source" position={Position.Right} />
    </div>
  );
}

function dataOf(
  { label, members }: Box,
  kinds: ReadonlyMap<string, string>,
  actors: Actors,
): BoxData {
  const untouched = untouchedStatus(actors.get('')?.value);
  const statusFor = (id: string) => {
    const snapshot = actors.get(id);
    return snapshot === undefined ? untouched : statusOf(snapshot.value);
  };
  const [first = ''] = members;
  if (members.length === 1) {
    const kind = kinds.get(first) ?? '';
    const inside = kind === 'loop' || kind === 'map' ? countInside(actors, first) : undefined;
    return {
      label,
      kind,
      status: statusFor(first),
      counts: inside === undefined ? '' : said(inside),
    };
  }
  const counts = new Map<string, number>();
  for (const id of members) counts.set(statusFor(id), (counts.get(statusFor(id)) ?? 0) + 1);
  const status = TELLING.find((name) => counts.has(name)) ?? untouched;
  return { label: `${label} (${members.length})`, kind: 'many', status, counts: said(counts) };
}

/** Of many statuses the first one in this order is what the box is coloured after. */
const TELLING = [
  ...['failed', 'blocked', 'awaiting-human', 'running', 'ready'],
  ...['pending', 'partial', 'cancelled', 'completed', 'skipped'],
];

function said(counts: ReadonlyMap<string, number>): string {
  return NODE_STATUSES.filter((name) => counts.has(name))
    .map((name) => `${counts.get(name)} ${name}`)
    .join(', ');
}

const OUTCOMES: Readonly<Record<string, string>> = { t: 'taken', d: 'dead', f: 'failed' };

/** A node keeps a letter for each of its outgoing edges, in the order of writing. */
function edgesOf(
  { links }: Drawing,
  planEdges: RunGraph['edges'],
  outcomes: Readonly<Record<string, string>>,
): Edge[] {
  const next = new Map<string, number>();
  const found = planEdges.map(({ source }) => {
    const place = next.get(source) ?? 0;
    next.set(source, place + 1);
    return OUTCOMES[outcomes[source]?.charAt(place) ?? ''] ?? 'open';
  });
  return links.map(({ source, target, edges }) => {
    const all = edges.map((index) => found[index] ?? 'open');
    const outcome =
      ['taken', 'failed', 'open', 'dead'].find((name) => all.includes(name)) ?? 'open';
    const label = edges.length === 1 ? planEdges[edges[0] ?? 0]?.label : undefined;
    return {
      id: `${source}\n${target}`,
      source,
      target,
      className: `edge ${outcome}`,
      markerEnd: { type: MarkerType.ArrowClosed },
      ...(label !== undefined && { label: label.length > 22 ? `${label.slice(0, 21)}…` : label }),
    };
  });
}
