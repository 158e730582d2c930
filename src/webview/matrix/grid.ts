/** The matrix as a grid of which only what is in sight is drawn: 1,000 rows of 5,000 columns are five million cells. */
import { stateOf, type Matrix, type MatrixRow } from '../../diagnosis/matrix.ts';
import type { CellState } from '../../diagnosis/summary.ts';
import { h, type Element_ } from '../element.ts';
import { say } from '../say.ts';

/** Pixels. The style sheet has the same. */
export const CELL = 22;
export const ROW = 24;

/** The cell that has, or had last, the focus. */
export interface Spot {
  readonly row: number;
  readonly column: number;
}

export interface Sight {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How high the Services' names and how wide the nodes' are: in a small page, or a large font, cells are still to be seen. */
export function margins({ width, height }: Pick<Sight, 'width' | 'height'>): {
  readonly head: number;
  readonly names: number;
} {
  const within = (least: number, value: number, most: number): number => Math.min(most, Math.max(least, value));
  return { head: within(64, Math.round(height * 0.45), 150), names: within(96, Math.round(width * 0.4), 240) };
}

export interface GridActions {
  readonly focus: (spot: Spot) => void;
  readonly open: (spot: Spot) => void;
}

const SIGNS: Readonly<Record<CellState, string>> = {
  programmed: '✓',
  pending: '…',
  drifted: '✕',
  unknown: '?',
  none: '',
};

export function stateWords(state: CellState): string {
  switch (state) {
    case 'programmed':
      return say('programmed');
    case 'pending':
      return say('pending');
    case 'drifted':
      return say('drifted');
    case 'unknown':
      return say('not captured');
    case 'none':
      return say('nothing to program');
  }
}

/** "node-1", "node-1 and 16 more alike". */
export function rowName(row: MatrixRow): string {
  return row.nodes.length === 1 ? row.nodes[0]! : say('{0} and {1} more alike', row.nodes[0]!, row.nodes.length - 1);
}

/** The first and the last of `size` wide pieces that a stretch touches, with some more on both sides; within 0 … count - 1. */
export function inSight(start: number, length: number, size: number, count: number): readonly [number, number] {
  const first = Math.max(0, Math.floor(start / size) - 2);
  return [first, Math.min(count - 1, Math.ceil((start + length) / size) + 2)];
}

export function grid(matrix: Matrix, sight: Sight, spot: Spot, actions: GridActions): Element_ {
  const { rows, services } = matrix;
  const { head, names } = margins(sight);
  const [firstRow, lastRow] = inSight(sight.top, sight.height - head, ROW, rows.length);
  const [firstColumn, lastColumn] = inSight(sight.left, sight.width - names, CELL, services.length);
  const columns = range(firstColumn, lastColumn);
  return h(
    'div',
    {
      class: 'grid',
      role: 'grid',
      'aria-label': say('Nodes and Services'),
      'aria-rowcount': rows.length + 1,
      'aria-colcount': services.length + 1,
      style: {
        '--head': `${head}px`,
        '--names': `${names}px`,
        width: `${names + services.length * CELL}px`,
        height: `${head + rows.length * ROW}px`,
      },
    },
    h(
      'div',
      { class: 'head', role: 'row', 'aria-rowindex': 1, key: 'head' },
      h('div', { class: 'corner', role: 'columnheader', 'aria-colindex': 1, key: 'corner' }),
      columns.map((column) =>
        h(
          'div',
          {
            class: 'service',
            role: 'columnheader',
            'aria-colindex': column + 2,
            key: `c${column}`,
            style: { left: `calc(var(--names) + ${column * CELL}px)` },
          },
          h('span', { title: services[column]! }, services[column]!),
        ),
      ),
    ),
    range(firstRow, lastRow).map((row) => rowOf(matrix, row, columns, spot, actions)),
  );
}

function rowOf(
  { rows, services }: Matrix,
  index: number,
  columns: readonly number[],
  spot: Spot,
  actions: GridActions,
): Element_ {
  const row = rows[index]!;
  const facts = [
    ...(row.common ? [say('Rules that all Services share are wrong.')] : []),
    ...(row.drifted > 0 ? [say('{0} drifted', row.drifted)] : []),
    ...(row.pending > 0 ? [say('{0} pending', row.pending)] : []),
    ...(row.why === undefined ? [] : [row.why]),
  ].join(', ');
  return h(
    'div',
    {
      class: 'row',
      role: 'row',
      'aria-rowindex': index + 2,
      key: `r${index}`,
      style: { top: `calc(var(--head) + ${index * ROW}px)` },
    },
    h(
      'div',
      {
        class: `node${row.common || row.drifted > 0 ? ' bad' : ''}`,
        role: 'rowheader',
        'aria-colindex': 1,
        key: 'name',
        title: row.nodes.slice(0, 50).join(', '),
      },
      h('span', { class: 'name' }, rowName(row)),
      facts !== '' && h('span', { class: 'facts' }, facts),
    ),
    columns.map((column) => {
      const state = stateOf(row.cells[column]);
      const here = spot.row === index && spot.column === column;
      return h(
        'div',
        {
          class: `cell ${state}`,
          role: 'gridcell',
          'aria-colindex': column + 2,
          'aria-label': say('{0} on {1}: {2}', services[column]!, rowName(row), stateWords(state)),
          'aria-selected': here,
          tabindex: here ? 0 : -1,
          'data-row': index,
          'data-column': column,
          key: `c${column}`,
          style: { left: `calc(var(--names) + ${column * CELL}px)` },
          on: {
            click: () => actions.focus({ row: index, column }),
            dblclick: () => actions.open({ row: index, column }),
          },
        },
        SIGNS[state],
      );
    }),
  );
}

/** Where an arrow key, Home, End, Page Up and Page Down lead; undefined for other keys. */
export function moved(key: string, spot: Spot, matrix: Matrix, page: number): Spot | undefined {
  const last = { row: matrix.rows.length - 1, column: matrix.services.length - 1 };
  const within = (row: number, column: number): Spot => ({
    row: Math.max(0, Math.min(last.row, row)),
    column: Math.max(0, Math.min(last.column, column)),
  });
  switch (key) {
    case 'ArrowUp':
      return within(spot.row - 1, spot.column);
    case 'ArrowDown':
      return within(spot.row + 1, spot.column);
    case 'ArrowLeft':
      return within(spot.row, spot.column - 1);
    case 'ArrowRight':
      return within(spot.row, spot.column + 1);
    case 'Home':
      return within(spot.row, 0);
    case 'End':
      return within(spot.row, last.column);
    case 'PageUp':
      return within(spot.row - page, spot.column);
    case 'PageDown':
      return within(spot.row + page, spot.column);
    default:
      return undefined;
  }
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
