/**
 * Where everything of a node's picture stands: four columns, cards and the streams between them. Plain arithmetic, the same for the
 * same picture and width, so that it can be compared as text.
 */
import type { Folded, FoldedCard } from '../translation/fold.ts';
import type { Card, NodePicture, StreamView } from '../translation/picture.ts';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedCard extends Box {
  readonly id: string;
  readonly card: Card;
}

export interface PlacedEnd extends Box {
  readonly end: FoldedCard;
}

/** A stream as an SVG path: a closed ribbon, and its middle line for what is drawn along it. */
export interface Ribbon {
  readonly stream?: StreamView;
  readonly id: string;
  readonly path: string;
  readonly middle: string;
  readonly width: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The notes of the ends stand below their addresses. */
  readonly narrow: boolean;
  readonly columns: readonly { readonly x: number; readonly width: number }[];
  readonly cards: readonly PlacedCard[];
  readonly ends: readonly PlacedEnd[];
  readonly ribbons: readonly Ribbon[];
}

/** All in CSS pixels. */
export const MARGIN = 20;
const HEADING = 34;
const END = { height: 64, gap: 20 } as const;
/** Where the column is too narrow for address and note side by side, the note has a line of its own. */
const NARROW = { column: 330, height: 76, gap: 12 } as const;
/** What is no pod explains itself in up to three lines. */
const EXPLAINED = 96;
const CARD_HEIGHT = 96;
/** Under it the columns do not shrink, and the picture scrolls. */
export const LEAST_WIDTH = 760;
/** A share that is too small to be seen is drawn this wide. */
const THINNEST = 1.5;

/** Shares of the width: cards of the four columns, and the gaps between them. */
const COLUMNS = [0.155, 0.155, 0.185, 0.285] as const;

export function layout(picture: NodePicture, folded: Folded, available: number): Layout {
  const width = Math.max(LEAST_WIDTH, Math.floor(available));
  const inner = width - 2 * MARGIN;
  const cardWidths = COLUMNS.map((share) => Math.round(inner * share));
  const gap = (inner - cardWidths.reduce((sum, one) => sum + one, 0)) / 3;
  // The last gap is where the streams spread: it gets more than the others.
  const gaps = [gap * 0.75, gap * 0.75, gap * 1.5];
  const columns: { x: number; width: number }[] = [];
  let x = MARGIN;
  for (const [i, own] of cardWidths.entries()) {
    columns.push({ x: Math.round(x), width: own });
    x += own + (gaps[i] ?? 0);
  }
  const [client, service, rules, ends] = columns as [Column, Column, Column, Column];

  const narrow = ends.width < NARROW.column;
  const { height: endHeight, gap: endGap } = narrow ? NARROW : END;
  const explains = (end: FoldedCard) => end.mark === 'refused' || (end.code === undefined && end.holds.length === 1);
  const heights = folded.ends.map((end) => (explains(end) ? EXPLAINED : endHeight));
  const stack = (some: readonly number[]) => some.reduce((sum, one) => sum + one + endGap, -endGap);
  const endsHeight = Math.max(0, stack(heights));
  const bodyHeight = Math.max(endsHeight, CARD_HEIGHT);
  const top = HEADING + Math.round((bodyHeight - endsHeight) / 2);
  // The cards stand beside what gets traffic, not beside what is idle below; far down they would be out of sight.
  const served = heights.filter((_, i) => folded.ends[i]!.share > 0);
  const servedHeight = Math.min(Math.max(0, stack(served.length > 0 ? served : heights)), bodyHeight, 520);
  const centre = HEADING + Math.max(CARD_HEIGHT / 2, servedHeight / 2);

  const place = (id: string, card: Card, column: Column): PlacedCard => ({
    id,
    card,
    x: column.x,
    y: Math.round(centre - CARD_HEIGHT / 2),
    width: column.width,
    height: CARD_HEIGHT,
  });
  let y = top;
  const placedEnds = folded.ends.map((end, i) => {
    const height = heights[i]!;
    const placed = { end, x: ends.x, y, width: ends.width, height };
    y += height + endGap;
    return placed;
  });
  return {
    width,
    height: HEADING + bodyHeight + MARGIN,
    narrow,
    columns,
    cards: [
      place('client', picture.client, client),
      place('service', picture.service, service),
      place('rules', picture.rules, rules),
    ],
    ends: placedEnds,
    ribbons: [
      ribbon('to service', client.x + client.width, centre, service.x, centre, CARD_HEIGHT, CARD_HEIGHT),
      ribbon('to rules', service.x + service.width, centre, rules.x, centre, CARD_HEIGHT, CARD_HEIGHT),
      ...streamRibbons(folded.streams, placedEnds, rules, centre),
    ],
  };
}

interface Column {
  readonly x: number;
  readonly width: number;
}

function streamRibbons(
  streams: readonly StreamView[],
  ends: readonly PlacedEnd[],
  from: Column,
  centre: number,
): readonly Ribbon[] {
  const placeOf = new Map(ends.map((placed, i) => [placed.end.id, { placed, i }]));
  const known = streams.filter((stream) => placeOf.has(stream.end));
  // In the order of their ends, so that no two cross.
  const sorted = [...known].sort((a, b) => placeOf.get(a.end)!.i - placeOf.get(b.end)!.i || (a.id < b.id ? -1 : 1));
  // With assumptions open, several worlds stand side by side and their shares add up to more than 1.
  const total = Math.max(
    1,
    sorted.reduce((sum, stream) => sum + stream.share, 0),
  );
  const heightOf = (stream: StreamView) => Math.max(THINNEST, (stream.share / total) * CARD_HEIGHT);
  const arrivals = new Map<string, number>();
  for (const stream of sorted) arrivals.set(stream.end, (arrivals.get(stream.end) ?? 0) + heightOf(stream));
  const arrived = new Map<string, number>();
  let y = centre - CARD_HEIGHT / 2;
  return sorted.map((stream) => {
    const { placed } = placeOf.get(stream.end)!;
    const height = (stream.share / total) * CARD_HEIGHT;
    const sum = arrivals.get(stream.end)!;
    // As wide at its end as at its start, but no wider than the card that it arrives at.
    const room = Math.min(1, (placed.height - 4) / sum);
    const before = arrived.get(stream.end) ?? 0;
    const arrives = heightOf(stream) * room;
    arrived.set(stream.end, before + arrives);
    const target = placed.y + (placed.height - sum * room) / 2 + before + arrives / 2;
    const start = y + height / 2;
    y += height;
    return { ...ribbon(stream.id, from.x + from.width, start, placed.x, target, heightOf(stream), arrives), stream };
  });
}

/** A ribbon between two vertical edges, `a` wide where it starts and `b` where it ends. */
function ribbon(id: string, x1: number, y1: number, x2: number, y2: number, a: number, b: number): Ribbon {
  const m = n((x1 + x2) / 2);
  const [top1, bottom1, top2, bottom2] = [y1 - a / 2, y1 + a / 2, y2 - b / 2, y2 + b / 2].map(n);
  return {
    id,
    width: n(a),
    path: `M${n(x1)} ${top1} C${m} ${top1} ${m} ${top2} ${n(x2)} ${top2} L${n(x2)} ${bottom2} C${m} ${bottom2} ${m} ${bottom1} ${n(x1)} ${bottom1} Z`,
    middle: `M${n(x1)} ${n(y1)} C${m} ${n(y1)} ${m} ${n(y2)} ${n(x2)} ${n(y2)}`,
  };
}

/** Two decimals: enough for a screen, and the same text on every machine. */
function n(value: number): number {
  return Math.round(value * 100) / 100;
}
