/** All nodes side by side, one row for those that are alike. */
import type { NodesPicture, NodesRow, Segment } from '../translation/picture.ts';
import { foldSegments } from '../translation/twin.ts';
import type { Actions } from './actions.ts';
import type { Element_ } from './element.ts';
import { h } from './element.ts';
import { VERDICTS } from './icons.ts';
import { say } from './say.ts';

export function nodesView(picture: NodesPicture, tabStop: string, actions: Actions): Element_ {
  return h(
    'div',
    { class: 'scroll', key: 'nodes' },
    h(
      'div',
      {
        class: 'nodes',
        role: 'group',
        'aria-label': say('Every node. Arrow keys move, Enter shows one of them alone.'),
      },
      h(
        'div',
        { class: 'headings', 'aria-hidden': 'true' },
        [say('Node'), say('Where a connection goes'), say('Against the API')].map((words) => h('span', {}, words)),
      ),
      picture.rows.map((row) => rowOf(row, tabStop, actions)),
    ),
  );
}

function rowOf(row: NodesRow, tabStop: string, actions: Actions): Element_ {
  const segments = foldSegments(row.segments);
  return h(
    'button',
    {
      key: row.node,
      class: `card row ${row.verdict.mark}`,
      'data-card': row.node,
      tabindex: tabStop === row.node ? 0 : -1,
      title: row.nodes.length > 3 ? row.nodes.join(', ') : undefined,
      on: { click: () => actions.choose({ node: row.node }) },
    },
    h(
      'span',
      { class: 'who' },
      h('span', { class: 'title' }, row.title),
      row.note !== undefined && h('span', { class: 'note' }, row.note),
    ),
    segments.length > 0
      ? h('span', { class: 'segments' }, segments.map(segmentOf))
      : h('span', { class: 'segments none' }, h('span', { class: 'note' }, row.words ?? '')),
    h(
      'span',
      { class: `verdict ${row.verdict.mark}` },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, VERDICTS[row.verdict.mark]),
      h('span', {}, row.verdict.words),
    ),
  );
}

function segmentOf(segment: Segment): Element_ {
  return h(
    'span',
    {
      key: segment.id,
      class: `segment ${segment.mark}${segment.assumed ? ' assumed' : ''}`,
      title: segment.words,
      style: { 'flex-grow': String(Math.max(segment.share, 0.004)) },
    },
    h('span', { class: 'label' }, segment.label),
    h('span', { class: 'share' }, segment.shareWords),
  );
}
