/** The rules behind a card, with their lines in the dump. */
import type { NodePicture, RuleLine } from '../translation/picture.ts';
import type { Actions } from './actions.ts';
import type { Child, Element_ } from './element.ts';
import { h } from './element.ts';
import { say } from './say.ts';

/** The card whose rules are shown where the reader has chosen none: what is wrong first. */
export function telling(picture: NodePicture): string | undefined {
  return (picture.streams.find((stream) => stream.mark === 'wrong') ?? picture.streams[0])?.end;
}

/** In the packet's order. The service's card stands for what all streams share, the rules' card for everything. */
export function rulesBehind(picture: NodePicture, card: string, holds: readonly string[]): readonly RuleLine[] {
  const { streams } = picture;
  const places =
    card === 'rules'
      ? streams.flatMap((stream) => stream.rules)
      : card === 'client' || card === 'service'
        ? (streams[0]?.rules ?? []).filter((place) => streams.every((stream) => stream.rules.includes(place)))
        : streams.filter((stream) => holds.includes(stream.end)).flatMap((stream) => stream.rules);
  // A card that stands for hundreds would give thousands of lines.
  return [...new Set(places)].slice(0, 60).map((place) => picture.ruleLines[place]!);
}

export function rulesList(heading: string, lines: readonly RuleLine[], actions: Actions): Element_ {
  return h(
    'section',
    { class: 'rules', key: 'rules-list', 'aria-label': say('Rules') },
    h('h2', {}, heading),
    lines.length === 0
      ? h('p', { class: 'note' }, say('No rule of this node takes part.'))
      : h(
          'ol',
          {},
          lines.map((line, i) => ruleOf(line, i, actions)),
        ),
  );
}

function ruleOf(line: RuleLine, index: number, actions: Actions): Element_ {
  const what = [
    h('span', { class: 'number' }, line.line > 0 ? String(line.line) : ''),
    h('span', { class: 'where' }, line.table),
    h('code', {}, highlighted(line.text)),
    h('span', { class: 'did' }, line.did === 'jump' || line.did === 'goto' ? '' : line.did),
  ];
  const key = `${index} ${line.dump} ${line.line}`;
  if (line.line === 0) return h('li', { key }, h('span', { class: 'rule' }, what));
  return h(
    'li',
    { key },
    h(
      'button',
      {
        class: 'rule',
        title: say('Open line {0} of {1} on {2}', line.line, line.dump, line.node),
        on: { click: () => actions.openRule(line.node, line.dump, line.line) },
      },
      what,
    ),
  );
}

/** Addresses, ports, chains and probabilities: what one compares. */
const TOKENS =
  /\[?(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f:]*)\]?(?:\/\d+)?(?::\d+)?|KUBE-[A-Z0-9-]+|(?<=--probability )[\d.]+|(?<=dport )\d+|(?:service|endpoint|external|firewall|local)-[A-Z0-9]{8}-\S+/g;

function highlighted(text: string): readonly Child[] {
  const parts: Child[] = [];
  let from = 0;
  // The chain that a rule stands in comes first; it is named by "where" and the rule's own place already.
  for (const match of text.matchAll(TOKENS)) {
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(h('em', {}, match[0]));
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}
