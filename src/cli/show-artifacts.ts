/** How artifacts are printed. */
import type { ArtifactView } from '../index.js';
import { clean, table } from './output.js';

export function artifactTable(artifacts: readonly ArtifactView[]): string {
  const head = ['ARTIFACT', 'VERSION', 'KIND', 'STANDING', 'NODE', 'ATTEMPT', 'PLACE'];
  return table([head, ...artifacts.map(toRow)]);
}

function toRow(artifact: ArtifactView): string[] {
  const { name, version, kind, standing, node, attempt, pointer } = artifact;
  const place = clean(pointer ?? '');
  return [clean(name), String(version), clean(kind), standing, node, String(attempt), place];
}

/** Texts as they are, anything else as JSON; a pointer where nothing else was kept. */
export function contentOf({ payload, pointer }: ArtifactView): string {
  if (typeof payload === 'string') return payload;
  if (payload !== undefined) return `${JSON.stringify(payload, null, 2)}\n`;
  return `${clean(pointer ?? '')}\n`;
}
