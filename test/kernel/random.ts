/** Chance from a seed: the same seed gives the same rules and packets on every machine (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: string) {
    let hash = 2166136261;
    for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 16777619);
    this.#state = hash >>> 0;
  }

  /** 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  one<T>(of: readonly T[]): T {
    return of[Math.floor(this.next() * of.length)]!;
  }

  /** `low` to `high` different ones. */
  some<T>(of: readonly T[], low: number, high: number): T[] {
    const left = [...of];
    const out: T[] = [];
    for (let n = this.integer(low, Math.min(high, of.length)); n > 0; n--)
      out.push(left.splice(Math.floor(this.next() * left.length), 1)[0]!);
    return out;
  }

  shuffled<T>(of: readonly T[]): T[] {
    return this.some(of, of.length, of.length);
  }

  weighted<T extends string>(table: Readonly<Record<T, number>>): T {
    const entries = Object.entries(table) as [T, number][];
    let at = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) if ((at -= weight) < 0) return name;
    return entries[entries.length - 1]![0];
  }
}
