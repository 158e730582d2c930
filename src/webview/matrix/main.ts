/** The page of the matrix: nodes × Services, drawn where it is in sight, with a line below about the chosen cell. */
import type { Matrix } from '../../diagnosis/matrix.ts';
import { stateOf } from '../../diagnosis/matrix.ts';
import { readToMatrixPage, type TimelineEntry } from '../../views/matrix/protocol.ts';
import { h, patch, type Child } from '../element.ts';
import { say, speak } from '../say.ts';
import { CELL, grid, margins, moved, ROW, rowName, stateWords, type Spot } from './grid.ts';
import './matrix.css';
import { post } from './vscode-api.ts';

let matrix: Matrix = { services: [], rows: [] };
let cluster = '';
let waiting = 0;
let spot: Spot = { row: 0, column: 0 };
interface Told {
  readonly key: string;
  readonly sentences: readonly string[];
  readonly timeline: readonly TimelineEntry[];
}
let told: Told = { key: '', sentences: [], timeline: [] };
let due = false;
/** Set where the chosen cell is to have the focus once it is drawn. */
let focusing = false;
/** Set as the page gets the focus: unless something in it takes it, the chosen cell does, so that the keys work at once. */
let arriving = document.hasFocus();

const root = document.getElementById('page')!;
const bar = root.appendChild(document.createElement('header'));
const sight = root.appendChild(document.createElement('main'));
const line = root.appendChild(document.createElement('footer'));
line.setAttribute('aria-live', 'polite');

function change(): void {
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  due = false;
  try {
    patch(bar, header());
    if (matrix.rows.length > 0 && matrix.services.length > 0) {
      const { scrollLeft: left, scrollTop: top, clientWidth: width, clientHeight: height } = sight;
      patch(sight, [grid(matrix, { left, top, width, height }, spot, { focus: choose, open })]);
    } else patch(sight, [h('p', { class: 'empty' }, say('No Service that kube-proxy programs.'))]);
    patch(line, about());
    const cell = sight.querySelector<HTMLElement>('[tabindex="0"]');
    if (cell && (focusing || (arriving && document.activeElement === document.body))) {
      cell.focus({ preventScroll: true });
      focusing = arriving = false;
    }
  } catch (error) {
    post({ type: 'problem', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function header(): readonly Child[] {
  const nodes = matrix.rows.reduce((sum, row) => sum + row.nodes.length, 0);
  const unread = matrix.rows.some((row) => row.why !== undefined);
  return [
    h('h1', { key: 'title' }, say('Nodes and Services')),
    h('span', { class: 'dim', key: 'cluster' }, cluster),
    h(
      'span',
      { class: 'dim', key: 'counts' },
      matrix.rows.length === 1 && nodes > 1
        ? say('{0} Services · {1} nodes, all alike', matrix.services.length, nodes)
        : say('{0} Services · {1} nodes in {2} rows', matrix.services.length, nodes, matrix.rows.length),
    ),
    ...(waiting > 0 ? [h('span', { class: 'dim', key: 'waiting' }, say('Comparing: {0} nodes to go', waiting))] : []),
    ...(unread
      ? [
          h(
            'button',
            { class: 'link', key: 'read', on: { click: () => post({ type: 'capture', again: false }) } },
            say('Read the nodes that were not read'),
          ),
        ]
      : []),
  ];
}

function about(): readonly Child[] {
  const row = matrix.rows[spot.row];
  const service = matrix.services[spot.column];
  if (!row || service === undefined) return [];
  const node = row.nodes[0]!;
  const state = stateOf(row.cells[spot.column]);
  const { sentences, timeline } = told.key === keyOf(node, service) ? told : { sentences: [], timeline: [] };
  return [
    h(
      'p',
      { key: 'what' },
      h('strong', {}, say('{0} on {1}: {2}', service, rowName(row), row.why ?? stateWords(state))),
    ),
    ...sentences.map((sentence, i) => h('p', { key: `s${i}` }, `${sentence}.`)),
    h(
      'p',
      { key: 'links' },
      ...(row.why === undefined
        ? [
            h(
              'button',
              { class: 'link', key: 'compare', on: { click: () => open(spot) } },
              say('Compare expected with actual'),
            ),
          ]
        : []),
      h(
        'button',
        { class: 'link', key: 'diagram', on: { click: () => post({ type: 'diagram', node, service }) } },
        say('Diagram'),
      ),
      h('span', { class: 'dim', key: 'keys' }, say('Arrow keys move, Enter compares expected with actual rules.')),
    ),
    ...(timeline.length > 0 ? [timelineOf(node, timeline)] : []),
  ];
}

/** From left to right as time goes, the newest in sight. */
function timelineOf(node: string, timeline: readonly TimelineEntry[]): Child {
  return h(
    'ol',
    { class: 'timeline', key: 'timeline', 'aria-label': say('Timeline of {0}', node) },
    [...timeline]
      .reverse()
      .map(({ time, words, mark }, i) =>
        h('li', { class: mark, key: `t${i}` }, h('span', { class: 'time' }, time), h('span', {}, words)),
      ),
  );
}

function keyOf(node: string, service: string): string {
  return `${node}|${service}`;
}

function choose(next: Spot): void {
  spot = next;
  focusing = true;
  const left = next.column * CELL;
  const top = next.row * ROW;
  const { head, names } = margins({ width: sight.clientWidth, height: sight.clientHeight });
  const [width, height] = [sight.clientWidth - names, sight.clientHeight - head];
  if (left < sight.scrollLeft) sight.scrollLeft = left;
  else if (left + CELL > sight.scrollLeft + width) sight.scrollLeft = left + CELL - width;
  if (top < sight.scrollTop) sight.scrollTop = top;
  else if (top + ROW > sight.scrollTop + height) sight.scrollTop = top + ROW - height;
  ask();
  change();
}

function ask(): void {
  const row = matrix.rows[spot.row];
  const service = matrix.services[spot.column];
  if (!row || service === undefined) return;
  if (row.why === undefined) post({ type: 'tell', node: row.nodes[0]!, service });
}

function open(at: Spot): void {
  const row = matrix.rows[at.row];
  const service = matrix.services[at.column];
  if (row && service !== undefined && row.why === undefined) post({ type: 'compare', node: row.nodes[0]!, service });
}

sight.addEventListener('scroll', change, { passive: true });
sight.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'Enter') {
    open(spot);
    event.preventDefault();
    return;
  }
  const { head } = margins({ width: sight.clientWidth, height: sight.clientHeight });
  const next = moved(event.key, spot, matrix, Math.max(1, Math.floor((sight.clientHeight - head) / ROW) - 1));
  if (!next) return;
  event.preventDefault();
  choose(next);
});

window.addEventListener('focus', () => {
  arriving = true;
  change();
});

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const message = readToMatrixPage(event.data);
  switch (message?.type) {
    case 'words':
      speak(message.words);
      break;
    case 'matrix':
      matrix = message.matrix;
      cluster = message.cluster;
      waiting = message.waiting;
      spot = {
        row: Math.max(0, Math.min(spot.row, matrix.rows.length - 1)),
        column: Math.max(0, Math.min(spot.column, matrix.services.length - 1)),
      };
      ask();
      break;
    case 'told':
      told = { ...message, key: keyOf(message.node, message.service) };
      break;
    case undefined:
      return;
  }
  change();
});
new ResizeObserver(change).observe(document.documentElement);
window.addEventListener('error', (event) => post({ type: 'problem', text: event.message }));

change();
post({ type: 'ready' });
