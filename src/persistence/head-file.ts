/**
 * Owns the file beside the database that names the newest committed turn, so that a log which lost its
 * end is noticed at the next opening. Invariants: 1. written after the batch and never before, so it
 * may lag behind the database but not run ahead of it; 2. one line of fixed length, written in place.
 */
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

export interface Head {
  readonly turn: number;
  /** Chain hash of that turn. */
  readonly hash: string;
}

const LINE_LENGTH = 80;

/** The head that was written last; undefined where there is none, or where the line is torn. */
export function readHead(path: string): Head | undefined {
  if (!existsSync(path)) return undefined;
  const [turn, hash, sum] = readFileSync(path, 'latin1').trimEnd().split(' ');
  if (turn === undefined || hash === undefined) return undefined;
  return sum === checksum(`${turn} ${hash}`) ? { turn: Number(turn), hash } : undefined;
}

export class HeadFile {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, existsSync(path) ? 'r+' : 'w');
  }

  /** Not flushed: after a power cut the line may be older, which is harmless. */
  write(head: Head): void {
    this.#put(withChecksum(`${head.turn} ${head.hash}`));
  }

  /** Claims nothing any more, on the disk too: the turn that it names is going to be removed. */
  clear(): void {
    this.#put('');
    fdatasyncSync(this.#descriptor);
  }

  #put(line: string): void {
    writeSync(this.#descriptor, `${line.padEnd(LINE_LENGTH - 1)}\n`, 0, 'latin1');
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function withChecksum(text: string): string {
  return `${text} ${checksum(text)}`;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
