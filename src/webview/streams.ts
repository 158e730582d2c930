/** One node: client → VIP → rules → ends. Cards are buttons over a drawing of ribbons. */
import type { Folded, FoldedCard } from '../translation/fold.ts';
import type { Card, NodePicture, StreamView } from '../translation/picture.ts';
import type { Actions } from './actions.ts';
import type { Child, Element_ } from './element.ts';
import { h } from './element.ts';
import { ICONS } from './icons.ts';
import { layout } from './layout.ts';
import type { Box, Ribbon } from './layout.ts';
import { say } from './say.ts';

export interface Look {
  /** CSS pixels that there are. */
  readonly width: number;
  /** The card whose rules are shown. */
  readonly chosen: string | undefined;
  /** The card that Tab leads to. */
  readonly tabStop: string;
}

export function streamsView(picture: NodePicture, folded: Folded, look: Look, actions: Actions): Element_ {
  const placed = layout(picture, folded, look.width);
  const headings = [say('Client'), say('Service'), say('Rules on {0}', picture.node), say('Endpoints')];
  const lit = (stream: StreamView | undefined) => stream !== undefined && stream.end === look.chosen;
  return h(
    'div',
    { class: 'scroll', key: 'streams' },
    h(
      'div',
      {
        class: 'streams',
        role: 'group',
        'aria-label': say(
          'Where the packets go. Arrow keys move, Enter keeps the rules of a card in the list, Escape lets them go.',
        ),
        style: { width: `${placed.width}px`, height: `${placed.height}px` },
        on: { pointerleave: () => actions.point(undefined) },
      },
      headings.map((words, i) =>
        h('div', { class: 'heading', key: `heading ${i}`, style: { left: `${placed.columns[i]!.x}px` } }, words),
      ),
      h(
        'svg',
        {
          key: 'ribbons',
          width: placed.width,
          height: placed.height,
          viewBox: `0 0 ${placed.width} ${placed.height}`,
          'aria-hidden': 'true',
          focusable: 'false',
        },
        hatching(),
        placed.ribbons.flatMap((ribbon) => drawn(ribbon, lit(ribbon.stream), actions)),
      ),
      placed.cards.map(({ id, card, ...box }) => fixedCard(id, card, box, look, actions)),
      placed.ends.map(({ end, ...box }) => endCard(end, folded.streams, box, placed.narrow, look, actions)),
    ),
  );
}

/** What is wrong is hatched, so that it does not rest on its colour alone. */
function hatching(): Element_ {
  const line = (x: number) => h('line', { x1: x, y1: 0, x2: x, y2: 8 });
  const pattern = { id: 'hatch', width: 8, height: 8, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' };
  return h('defs', {}, h('pattern', pattern, line(0)));
}

function drawn(ribbon: Ribbon, lit: boolean, actions: Actions): readonly Child[] {
  const { stream } = ribbon;
  const marks = ['ribbon', stream?.mark ?? 'good', lit ? 'lit' : '', stream?.assumptions.length ? 'assumed' : ''];
  const on: Readonly<Record<string, () => void>> = stream
    ? { pointerenter: () => actions.point(stream.end), click: () => actions.pin(stream.end) }
    : {};
  const kind = marks.filter((mark) => mark).join(' ');
  return [
    h(
      'path',
      { key: ribbon.id, class: kind, d: ribbon.path, on },
      stream !== undefined && h('title', {}, stream.words),
    ),
    ...(stream?.mark === 'wrong'
      ? [h('path', { key: `${ribbon.id} hatch`, class: 'hatch', d: ribbon.path, on: {} })]
      : []),
    ...(stream?.masquerade
      ? [h('path', { key: `${ribbon.id} line`, class: 'masquerade', d: ribbon.middle, on: {} })]
      : []),
  ];
}

function boxStyle(box: Box): Readonly<Record<string, string>> {
  return { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` };
}

function listeners(id: string, actions: Actions, press: () => void) {
  return {
    click: press,
    focus: () => actions.point(id),
    pointerenter: () => actions.point(id),
  };
}

function fixedCard(id: string, card: Card, box: Box, look: Look, actions: Actions): Element_ {
  const order =
    id === 'rules'
      ? [card.code && code(card.code), title(card.title)]
      : [title(card.title), card.code && code(card.code)];
  return h(
    'button',
    {
      key: id,
      class: `card fixed${look.chosen === id ? ' chosen' : ''}`,
      'data-card': id,
      tabindex: look.tabStop === id ? 0 : -1,
      title: [card.title, card.code, card.note].filter((part) => part).join('\n'),
      style: boxStyle(box),
      on: listeners(id, actions, () => actions.pin(id)),
    },
    order.filter((part) => part !== undefined && part !== ''),
    card.note !== undefined && h('span', { class: 'note' }, card.note),
  );
}

const title = (text: string) => h('span', { class: 'title' }, text);
const code = (text: string) => h('code', {}, text);

function endCard(
  end: FoldedCard,
  streams: readonly StreamView[],
  box: Box,
  narrow: boolean,
  look: Look,
  actions: Actions,
): Element_ {
  const mine = streams.filter((stream) => stream.end === end.id);
  const many = end.holds.length > 1;
  const ifs = [...new Set(mine.flatMap((stream) => stream.assumptions))];
  // Where all are, the rules' card says so.
  const masqueraded = mine.some((stream) => stream.masquerade) && streams.some((stream) => !stream.masquerade);
  const note = [...ifs, end.note, masqueraded ? say('masqueraded') : ''].filter((part) => part).join(' · ');
  const wide = end.code === undefined || end.mark === 'refused';
  const below = narrow && !wide;
  return h(
    'button',
    {
      key: `end ${end.id}`,
      class: `card end ${end.mark}${look.chosen === end.id ? ' chosen' : ''}${ifs.length > 0 ? ' assumed' : ''}`,
      'data-card': end.id,
      tabindex: look.tabStop === end.id ? 0 : -1,
      title: [end.title, end.code, end.shareWords, note].filter((part) => part).join('\n'),
      style: boxStyle(box),
      on: listeners(end.id, actions, () => (many ? actions.open(end.id) : actions.pin(end.id))),
    },
    h(
      'span',
      { class: 'line' },
      ICONS[end.mark] !== '' && h('span', { class: 'mark', 'aria-hidden': 'true' }, ICONS[end.mark]),
      title(end.title),
      h('span', { class: 'share' }, end.shareWords),
    ),
    h(
      'span',
      { class: wide ? 'line wide' : 'line' },
      !wide && code(end.code ?? ''),
      !below &&
        h('span', { class: 'note' }, wide && end.code && end.mark === 'refused' ? `${end.code} · ${note}` : note),
    ),
    below && h('span', { class: 'note' }, note),
    many && h('span', { class: 'spoken' }, say('Enter opens them')),
  );
}
