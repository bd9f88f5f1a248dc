/**
 * A line of those who wait. Invariants: the highest level goes first; within a level tenants take
 * turns; within a tenant the lowest order, which is the longest wait, goes first.
 */
import { Heap } from '../heap.js';
import { SortedList } from './sorted-list.js';

/** Priorities are the whole numbers from 0 to one less; the highest goes first. */
export const PRIORITY_LEVELS = 10;

/** Where something stands in a line; may change only while it is in none. */
export interface Place {
  readonly tenant: string;
  readonly level: number;
  readonly order: number;
}

/** Those of one tenant at one level. */
interface TenantLine<T> {
  turn: number;
  readonly waits: SortedList<T>;
}

interface Level<T> {
  readonly tenants: Map<string, TenantLine<T>>;
  /** Tenants by whose turn it is. */
  readonly turns: Heap<TenantLine<T>>;
}

export class FairLine<T extends Place> {
  readonly #levels: (Level<T> | undefined)[] = [];
  #turn = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(wait: T): void {
    const level = this.#level(wait.level);
    let line = level.tenants.get(wait.tenant);
    if (line === undefined) {
      line = { turn: this.#nextTurn(), waits: new SortedList<T>((a, b) => a.order < b.order) };
      level.tenants.set(wait.tenant, line);
      level.turns.push(line);
    }
    line.waits.push(wait);
    this.#size += 1;
  }

  peek(): T | undefined {
    return this.#highest()?.turns.peek()?.waits.peek();
  }

  /** Takes whose turn it is; its tenant's next one comes after all other tenants of the level. */
  shift(): T | undefined {
    const level = this.#highest();
    const line = level?.turns.shift();
    const wait = line?.waits.shift();
    if (level === undefined || line === undefined || wait === undefined) return undefined;
    this.#size -= 1;
    if (line.waits.size === 0) level.tenants.delete(wait.tenant);
    else {
      line.turn = this.#nextTurn();
      level.turns.push(line);
    }
    return wait;
  }

  /** Takes somebody out who leaves before the turn has come; one who is not there is left alone. */
  remove(wait: T): void {
    const level = this.#levels[wait.level];
    const line = level?.tenants.get(wait.tenant);
    if (level === undefined || !line?.waits.remove(wait)) return;
    this.#size -= 1;
    if (line.waits.size > 0) return;
    level.tenants.delete(wait.tenant);
    level.turns.remove(line);
  }

  #level(number: number): Level<T> {
    const known = this.#levels[number];
    if (known !== undefined) return known;
    const level = {
      tenants: new Map<string, TenantLine<T>>(),
      turns: new Heap<TenantLine<T>>((a, b) => a.turn < b.turn),
    };
    this.#levels[number] = level;
    return level;
  }

  #highest(): Level<T> | undefined {
    for (let number = this.#levels.length - 1; number >= 0; number--) {
      const level = this.#levels[number];
      if (level !== undefined && level.turns.size > 0) return level;
    }
    return undefined;
  }

  #nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }
}
