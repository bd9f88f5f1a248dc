/** One handler in several versions, side by side. */
import { RunchartError } from '../errors.js';

/** A handler in several versions; made by `versions`. */
export class VersionedHandler<H> {
  /** By version, in the order in which they were listed. */
  readonly versions: ReadonlyMap<string, H>;

  constructor(versions: Readonly<Record<string, H>>) {
    this.versions = new Map(Object.entries(versions));
    for (const version of this.versions.keys()) assertVersion(version);
    if (this.versions.size > 0) return;
    throw new RunchartError('argument-invalid', 'versions: there is none');
  }

  /** What a plan gets that asks for no version: the last one. */
  get newest(): H {
    return [...this.versions.values()].at(-1) as H;
  }
}

/**
 * Registers versions of a handler. A plan asks for one by `key@version`, and without it gets the last of the list;
 * keys that are whole numbers come first, in their order. Throws a RunchartError `argument-invalid`.
 */
export function versions<H>(handlers: Readonly<Record<string, H>>): VersionedHandler<H> {
  return new VersionedHandler(handlers);
}

function assertVersion(version: string): void {
  if (version !== '' && version.length <= 64 && !version.includes('@')) return;
  const message = `versions: "${version}" has to have 1 to 64 characters, and no @`;
  throw new RunchartError('argument-invalid', message);
}
