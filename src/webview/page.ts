/** The whole page, described from what it knows. */
import { fold } from '../translation/fold.ts';
import type { Folded, FoldedCard } from '../translation/fold.ts';
import type { Finding, NoPicture, NodePicture, Picture } from '../translation/picture.ts';
import type { Actions } from './actions.ts';
import type { Child, Element_ } from './element.ts';
import { h } from './element.ts';
import { nodesView } from './nodes.ts';
import type { PageState, View } from './page-state.ts';
import { rulesBehind, rulesList, telling } from './rules.ts';
import { age, say } from './say.ts';
import { streamsView } from './streams.ts';
import { tableView } from './table.ts';
import { busyRing, button, dropdown, link } from './toolkit.ts';

export interface Surroundings {
  readonly width: number;
  /** The page's clock, milliseconds since the epoch. */
  readonly now: number;
  /** The card that had the focus last, where it still is there. */
  readonly focused: string | undefined;
}

export function page(state: PageState, around: Surroundings, actions: Actions): readonly Child[] {
  const { picture } = state;
  if (!picture) return [h('p', { class: 'waiting', key: 'waiting' }, busyRing(say('Reading the cluster')))];
  return [
    header(picture, state, around, actions),
    ...(picture.finding ? [findingBanner(picture.finding, actions)] : []),
    ...(picture.body.kind === 'node' ? whatIf(picture.body, picture, actions) : []),
    h('main', { key: 'main' }, mainOf(picture, state, around, actions)),
    ...(picture.body.kind === 'node' ? [footer(picture.body, state, actions)] : []),
  ];
}

function header(picture: Picture, state: PageState, around: Surroundings, actions: Actions): Element_ {
  const { selection } = picture;
  const views = [
    { id: 'streams', label: say('Streams') },
    { id: 'table', label: say('Table') },
  ];
  const read = picture.readAt === undefined ? '' : say('read {0}', age(around.now + state.clock - picture.readAt));
  return h(
    'header',
    { key: 'header' },
    h('h1', {}, picture.service),
    h('span', { class: 'vip' }, picture.address),
    picture.nodes.length > 0 &&
      dropdown('node', say('Node'), picture.nodes, selection.node, (node) => actions.choose({ node })),
    picture.clients.length > 0 &&
      dropdown('client', say('From'), picture.clients, selection.client, (client) =>
        actions.choose({ client: client as typeof selection.client }),
      ),
    picture.ways.length > 0 &&
      dropdown('way', say('To'), picture.ways, selection.way, (way) =>
        actions.choose({ way, port: way.split(' ')[0] ?? '' }),
      ),
    picture.body.kind !== 'nothing' &&
      dropdown('view', say('View'), views, state.view, (view) => actions.view(view as View)),
    h(
      'span',
      { class: 'about', key: 'about' },
      h('span', {}, [picture.about, read].filter((part) => part).join(' · ')),
      state.busy
        ? busyRing(say('Reading the rules'))
        : picture.rereadable &&
            button('↻', () => actions.refresh(), {
              appearance: 'icon',
              title: say('Read the rules again'),
              key: 'refresh',
            }),
    ),
  );
}

function findingBanner(finding: Finding, actions: Actions): Element_ {
  const sign = finding.severity === 'error' ? '⊗' : finding.severity === 'warning' ? '⚠' : 'ⓘ';
  return h(
    'section',
    { key: 'finding', class: `finding ${finding.severity}`, 'aria-label': say('Finding') },
    h('span', { class: 'mark', 'aria-hidden': 'true' }, sign),
    h(
      'p',
      {},
      h('strong', {}, finding.title),
      ` ${finding.text} `,
      finding.actions.flatMap(({ action, label, argument }, i) => [
        ...(i > 0 ? [' · '] : []),
        link(label, () => actions.act(action, argument), action),
      ]),
    ),
  );
}

/** Nobody knows these from rules and packet alone: the reader can say how it is. */
function whatIf(body: NodePicture, picture: Picture, actions: Actions): readonly Child[] {
  if (body.assumptions.length === 0) return [];
  const settled = picture.selection.settled;
  const choose = (words: string, choice: string) => {
    const others = Object.entries(settled).filter(([other]) => other !== words);
    actions.choose({
      settled: Object.fromEntries(choice === 'open' ? others : [...others, [words, choice === 'yes']]),
    });
  };
  return [
    h(
      'section',
      { key: 'what-if', class: 'what-if', 'aria-label': say('What if') },
      h('h2', {}, say('What if')),
      body.assumptions.map(({ words, settled: choice }, i) =>
        h(
          'div',
          { class: 'assumption', key: words, role: 'radiogroup', 'aria-label': words },
          h('span', { class: 'words' }, `${words}?`),
          [
            { id: 'open', label: say('not known') },
            { id: 'yes', label: say('yes') },
            { id: 'no', label: say('no') },
          ].map(({ id, label }) =>
            h(
              'label',
              { key: id },
              h('input', {
                type: 'radio',
                name: `assumption-${i}`,
                value: id,
                properties: { checked: id === (choice === undefined ? 'open' : choice ? 'yes' : 'no') },
                on: { change: () => choose(words, id) },
              }),
              label,
            ),
          ),
        ),
      ),
    ),
  ];
}

function mainOf(picture: Picture, state: PageState, around: Surroundings, actions: Actions): Element_ {
  const { body } = picture;
  if (body.kind === 'nothing') return noPicture(body, actions);
  if (state.view === 'table') return tableView(picture, actions);
  if (body.kind === 'nodes') {
    const stop = body.rows.some((row) => row.node === around.focused) ? around.focused : body.rows[0]?.node;
    return nodesView(body, stop ?? '', actions);
  }
  const folded = foldedOf(body, state);
  const cards = ['client', 'service', 'rules', ...folded.ends.map((end) => end.id)];
  const chosen = chosenCard(body, state);
  const stop = [around.focused, chosen].find((id) => id !== undefined && cards.includes(id)) ?? 'client';
  const look = { width: around.width, chosen, tabStop: stop };
  return streamsView(body, folded, look, actions);
}

let folding: { readonly body: NodePicture; readonly open: readonly string[]; readonly folded: Folded } | undefined;

/** Folded once for a picture: it is drawn again with every move of the pointer. */
function foldedOf(body: NodePicture, { open }: PageState): Folded {
  if (folding?.body !== body || folding.open !== open) folding = { body, open, folded: fold(body, new Set(open)) };
  return folding.folded;
}

/** Under the pointer, else kept by the reader, else the one that tells the most. */
function chosenCard(body: NodePicture, state: PageState): string | undefined {
  const { ends } = foldedOf(body, state);
  const known = (id: string) => ['client', 'service', 'rules'].includes(id) || ends.some((end) => end.id === id);
  const first = telling(body);
  const holding = ends.find((end) => first !== undefined && end.holds.includes(first))?.id;
  return [state.pointed, state.pinned, holding].find((id) => id !== undefined && known(id));
}

function noPicture(body: NoPicture, actions: Actions): Element_ {
  const { capture } = body;
  return h(
    'div',
    { class: 'nothing', key: 'nothing' },
    h('p', {}, body.why),
    body.advice !== undefined && h('p', { class: 'note' }, body.advice),
    capture !== undefined &&
      button(say('Read its rules now'), () => actions.act('capture', capture), {
        appearance: 'primary',
        key: 'capture',
      }),
  );
}

function footer(body: NodePicture, state: PageState, actions: Actions): Element_ {
  const chosen = chosenCard(body, state);
  if (chosen === undefined) return rulesList(say('Rules'), [], actions);
  const folded = foldedOf(body, state).ends.find((end) => end.id === chosen);
  const lines = rulesBehind(body, chosen, folded?.holds ?? [chosen]);
  const kept = state.pinned === chosen ? ` · ${say('kept, Escape lets go')}` : '';
  return rulesList(`${headingOf(chosen, folded)} · ${body.node}${kept}`, lines, actions);
}

function headingOf(chosen: string, end: FoldedCard | undefined): string {
  if (chosen === 'rules') return say('All rules that take part');
  if (chosen === 'client' || chosen === 'service') return say('The rules that every packet of this client meets');
  if (end?.mark === 'refused') return say('The rules behind it: {0}', end.title);
  return say('The rules behind the stream to {0}', end?.title ?? chosen);
}
