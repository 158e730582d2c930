/** Two lists of rules (a chain) or of elements (a set, a map) against each other, whatever language they are written in. */
import type { ProxiedPort } from '../kubeproxy/services.ts';

/** A rule or an element. */
export interface Entry {
  /** As it stands in its text. */
  readonly text: string;
  /** What is compared: two entries with the same canonical text do the same. */
  readonly canonical: string;
  /** In the dump's text, where it comes from one: line from 1, offsets in UTF-16 units. */
  readonly line?: number;
  readonly start?: number;
  readonly end?: number;
  /** The Service port that it is there for, where it is an expected one. */
  readonly port?: ProxiedPort | undefined;
}

/** A chain, set or map of one table. */
export interface Slice {
  /** "nat", "filter"; "ip kube-proxy". */
  readonly table: string;
  readonly name: string;
  readonly kind: 'chain' | 'set' | 'map';
  /** False where the order has no meaning: sets, maps, and the chains that kube-proxy fills in the order of a Go map. */
  readonly ordered: boolean;
  readonly entries: readonly Entry[];
  /** The Service port whose own it is; undefined where ports share it, or it is not an expected one. */
  readonly port?: ProxiedPort | undefined;
}

export interface SliceDifference {
  readonly table: string;
  readonly name: string;
  readonly kind: Slice['kind'];
  /** The Service port whose own the expected slice is. */
  readonly port: ProxiedPort | undefined;
  readonly missing: readonly Entry[];
  readonly extra: readonly Entry[];
  /** Entries that both have, in another order. */
  readonly moved: readonly Entry[];
}

/** undefined where both mean the same. A slice that is absent on one side is as one without entries. */
export function compareSlices(expected: Slice | undefined, actual: Slice | undefined): SliceDifference | undefined {
  const side = (expected ?? actual)!;
  const left = expected?.entries ?? [];
  const right = actual?.entries ?? [];
  const counts = new Map<string, number>();
  for (const entry of right) counts.set(entry.canonical, (counts.get(entry.canonical) ?? 0) + 1);
  const missing = left.filter((entry) => !take(counts, entry.canonical));
  counts.clear();
  for (const entry of left) counts.set(entry.canonical, (counts.get(entry.canonical) ?? 0) + 1);
  const extra = right.filter((entry) => !take(counts, entry.canonical));
  const moved = side.ordered ? outOfOrder(without(left, missing), without(right, extra)) : [];
  if (missing.length === 0 && extra.length === 0 && moved.length === 0) return undefined;
  return { table: side.table, name: side.name, kind: side.kind, port: expected?.port, missing, extra, moved };
}

function take(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key);
  if (!count) return false;
  counts.set(key, count - 1);
  return true;
}

function without(entries: readonly Entry[], some: readonly Entry[]): readonly Entry[] {
  if (some.length === 0) return entries;
  const left = new Set(some);
  return entries.filter((entry) => !left.has(entry));
}

/** From the first to the last that stands elsewhere: those are the ones whose order may matter. */
function outOfOrder(a: readonly Entry[], b: readonly Entry[]): readonly Entry[] {
  const differs = (entry: Entry, i: number): boolean => entry.canonical !== a[i]?.canonical;
  const first = b.findIndex(differs);
  return first < 0 ? [] : b.slice(first, b.findLastIndex(differs) + 1);
}
