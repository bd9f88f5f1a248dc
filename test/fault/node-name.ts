/** Names of node runs. */

/** The id of the node that a node run is one of: in a loop, or an item of a map. */
export function nodeOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/(#\d+)?\[\d+\]$/, '');
}
