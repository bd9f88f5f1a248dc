/** Places boxes in layers, in a worker: the page goes on meanwhile. */
import ELK from 'elkjs/lib/elk-api.js';
import ElkWorker from 'elkjs/lib/elk-worker.min.js?worker';
import type { Drawing } from './boxes.js';

export interface Place {
  readonly x: number;
  readonly y: number;
}

export const BOX_WIDTH = 190;
export const BOX_HEIGHT = 52;

const elk = new ELK({ workerFactory: () => new ElkWorker() });

/** `hasLabels`: edges have something written on them, and need room for it. */
export async function placesOf(
  { boxes, links }: Drawing,
  hasLabels: boolean,
): Promise<ReadonlyMap<string, Place>> {
  const { children = [] } = await elk.layout({
    id: 'run',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.layered.spacing.nodeNodeBetweenLayers': hasLabels ? '150' : '70',
      'elk.spacing.nodeNode': '22',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      // What a nicer picture costs grows faster than the graph.
      'elk.layered.thoroughness': boxes.length > 100 ? '1' : '7',
    },
    children: boxes.map(({ id }) => ({ id, width: BOX_WIDTH, height: BOX_HEIGHT })),
    edges: links.map(({ source, target }, index) => ({
      id: String(index),
      sources: [source],
      targets: [target],
    })),
  });
  return new Map(children.map(({ id, x = 0, y = 0 }) => [id, { x, y }]));
}
