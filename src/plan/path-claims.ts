/** Tells whether a path meets one that was claimed before: the same path, or one inside the other. */
import type { PathSegment } from './paths.js';

interface Claim {
  taken: boolean;
  /** A place below which there are indexes is a list, one with keys is an object. */
  isList: boolean | undefined;
  readonly below: Map<PathSegment, Claim>;
}

export class PathClaims {
  readonly #root: Claim = newClaim();

  /** Claims `segments`; false where they overlap an earlier claim. */
  claim(segments: readonly PathSegment[]): boolean {
    let place = this.#root;
    for (const segment of segments) {
      const isList = typeof segment === 'number';
      if (place.taken || (place.isList !== undefined && place.isList !== isList)) return false;
      place.isList = isList;
      let next = place.below.get(segment);
      if (next === undefined) {
        next = newClaim();
        place.below.set(segment, next);
      }
      place = next;
    }
    if (place.taken || place.below.size > 0) return false;
    place.taken = true;
    return true;
  }
}

function newClaim(): Claim {
  return { taken: false, isList: undefined, below: new Map() };
}
