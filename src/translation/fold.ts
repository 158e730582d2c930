/** Hundreds of endpoints as a few cards: those that fare alike are folded by node, or by zone, with their count. */
import type { EndCard, NodePicture, StreamView } from './picture.ts';
import { percent } from '../diagnosis/shares.ts';

/** So many ends are shown one by one. */
export const MOST_ENDS = 24;

/** A card that stands for others. */
export interface FoldedCard extends EndCard {
  /** Ids of the ends behind it; one, where nothing is folded. */
  readonly holds: readonly string[];
}

export interface Folded {
  readonly ends: readonly FoldedCard[];
  /** Streams whose end is a card of `ends`; those to one folded card are one stream. */
  readonly streams: readonly StreamView[];
}

/** `open`: ids of folded cards that the reader has opened. */
export function fold(picture: NodePicture, open: ReadonlySet<string> = new Set(), most = MOST_ENDS): Folded {
  const { ends, streams } = picture;
  if (ends.length <= most) return { ends: ends.map((end) => ({ ...end, holds: [end.id] })), streams };
  const groups = grouping(ends, most);
  const cards: FoldedCard[] = [];
  const cardOf = new Map<string, string>();
  for (const [id, members] of groups) {
    const [first] = members;
    if (members.length === 1 || open.has(id)) {
      for (const end of members) cards.push({ ...end, holds: [end.id] });
      continue;
    }
    for (const end of members) cardOf.set(end.id, id);
    cards.push(folded(id, members, first!));
  }
  return { ends: cards, streams: joined(streams, cardOf) };
}

/** By node while that gives few enough, then by zone, then by how they fare alone. */
function grouping(ends: readonly EndCard[], most: number): ReadonlyMap<string, readonly EndCard[]> {
  const keys: readonly ((end: EndCard) => string)[] = [
    (end) => `${end.mark} ${end.condition} node ${end.node ?? ''}`,
    (end) => `${end.mark} ${end.condition} zone ${end.zone ?? ''}`,
    (end) => `${end.mark} ${end.condition}`,
  ];
  let groups = new Map<string, EndCard[]>();
  for (const key of keys) {
    groups = new Map();
    for (const end of ends) {
      // What is no pod stays for itself; there is little of it.
      const id = end.node === undefined && end.mark === 'refused' ? end.id : key(end);
      const group = groups.get(id);
      if (group) group.push(end);
      else groups.set(id, [end]);
    }
    if (groups.size <= most) break;
  }
  return groups;
}

function folded(id: string, members: readonly EndCard[], first: EndCard): FoldedCard {
  const share = members.reduce((sum, end) => sum + end.share, 0);
  const same = (value: (end: EndCard) => string | undefined) =>
    members.every((end) => value(end) === value(first)) ? value(first) : undefined;
  const node = same((end) => end.node);
  const zone = same((end) => end.zone);
  const each = same((end) => end.shareWords);
  const where = node ? `on ${node}` : zone ? `in ${zone}` : '';
  const reason = members.every((end) => end.note === first.note) ? first.note : undefined;
  const notes = [
    node ? zone : undefined,
    first.condition,
    share > 0 && each ? `each ${each}` : '',
    first.mark === 'good' ? '' : reason,
  ];
  return {
    id,
    mark: first.mark,
    share,
    shareWords: percent(share),
    title: `${members.length} endpoints ${where}`.trim(),
    note: [...new Set(notes.filter((part) => part))].join(' · '),
    condition: first.condition,
    holds: members.map((end) => end.id),
    ...(node !== undefined && { node }),
    ...(zone !== undefined && { zone }),
  };
}

function joined(streams: readonly StreamView[], cardOf: ReadonlyMap<string, string>): readonly StreamView[] {
  const out = new Map<string, StreamView>();
  for (const stream of streams) {
    const card = cardOf.get(stream.end);
    if (card === undefined) {
      out.set(stream.id, stream);
      continue;
    }
    const key = JSON.stringify([card, stream.mark, stream.masquerade, stream.assumptions]);
    const before = out.get(key);
    const share = (before?.share ?? 0) + stream.share;
    // The rules of the first stand for all: hundreds of them would say the same of other addresses.
    out.set(key, { ...(before ?? stream), id: key, end: card, share, shareWords: percent(share) });
  }
  return [...out.values()];
}
