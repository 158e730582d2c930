/** All nodes against all Services: what each has programmed of each. Nodes that agree are one row. */
import type { NodeDrift } from './drift-types.ts';
import { serviceStates, type CellState } from './summary.ts';

export interface MatrixNode {
  readonly name: string;
  /** undefined: not read; `why` says so in words. */
  readonly drift: NodeDrift | undefined;
  readonly why?: string;
}

export interface MatrixRow {
  /** All alike; at least one. Sorted. */
  readonly nodes: readonly string[];
  /** One letter for each column: see CELL_LETTERS. */
  readonly cells: string;
  readonly drifted: number;
  readonly pending: number;
  /** Rules that all Services share are wrong there. */
  readonly common: boolean;
  /** Why the row has no states, where it has none. */
  readonly why?: string;
}

export interface Matrix {
  /** "namespace/name", the most troubled first, then by name. */
  readonly services: readonly string[];
  /** The most troubled first. */
  readonly rows: readonly MatrixRow[];
}

export const CELL_LETTERS: Readonly<Record<CellState, string>> = {
  programmed: 'o',
  pending: 'p',
  drifted: 'x',
  unknown: '?',
  none: '.',
};

const STATES = new Map(Object.entries(CELL_LETTERS).map(([state, letter]) => [letter, state as CellState]));

/** The state behind a letter of a row. */
export function stateOf(letter: string | undefined): CellState {
  return STATES.get(letter ?? '') ?? 'none';
}

/** @param services "namespace/name" of those that kube-proxy may program, in any order */
export function matrixOf(nodes: readonly MatrixNode[], services: readonly string[]): Matrix {
  const columns = [...services];
  const trouble = new Map<string, number>();
  const states = nodes.map((node) => {
    const own = node.drift?.kind === 'compared' ? serviceStates(node.drift) : undefined;
    for (const [service, state] of own ?? []) {
      const weight = state === 'drifted' ? 1000 : state === 'pending' ? 1 : 0;
      if (weight > 0) trouble.set(service, (trouble.get(service) ?? 0) + weight);
    }
    return own;
  });
  // What is left of Services that the API no longer has.
  const known = new Set(services);
  for (const service of trouble.keys()) if (!known.has(service)) columns.push(service);
  columns.sort((a, b) => (trouble.get(b) ?? 0) - (trouble.get(a) ?? 0) || (a < b ? -1 : a > b ? 1 : 0));

  const rows = new Map<string, { nodes: string[]; row: Omit<MatrixRow, 'nodes'> }>();
  for (const [i, { name, drift, why }] of nodes.entries()) {
    const own = states[i];
    const cells = own
      ? columns.map((service) => CELL_LETTERS[own.get(service) ?? 'none']).join('')
      : CELL_LETTERS.unknown.repeat(columns.length);
    const common = drift?.kind === 'compared' && drift.families.some((family) => family.common.length > 0);
    const reason = own ? undefined : (why ?? (drift?.kind === 'unknown' ? drift.words : 'not read'));
    // Names of nodes do not tell rows apart, reasons do.
    const key = `${cells}|${common}|${reason?.replaceAll(name, '') ?? ''}`;
    const row = rows.get(key);
    if (row) row.nodes.push(name);
    else
      rows.set(key, {
        nodes: [name],
        row: {
          cells,
          drifted: count(cells, CELL_LETTERS.drifted),
          pending: count(cells, CELL_LETTERS.pending),
          common,
          ...(reason !== undefined && { why: reason }),
        },
      });
  }
  const natural = new Intl.Collator(undefined, { numeric: true });
  return {
    services: columns,
    rows: [...rows.values()]
      .map(({ nodes: names, row }) => ({ nodes: names.sort(natural.compare), ...row }))
      .sort(
        (a, b) =>
          Number(b.common) - Number(a.common) ||
          b.drifted - a.drifted ||
          b.pending - a.pending ||
          Number(a.why === undefined) - Number(b.why === undefined) ||
          natural.compare(a.nodes[0]!, b.nodes[0]!),
      ),
  };
}

function count(text: string, letter: string): number {
  let found = 0;
  for (const each of text) if (each === letter) found++;
  return found;
}
