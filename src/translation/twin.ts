/** The picture's twin in words: a table for screen readers, for copying, and for whoever likes tables better. */
import type { Picture, RuleLine, Segment } from './picture.ts';
import { percent } from '../diagnosis/shares.ts';

export interface Cell {
  readonly text: string;
  /** Rules that the cell names: a click on one opens it. */
  readonly rules?: readonly RuleLine[];
  readonly code?: boolean;
}

export interface Twin {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function twinOf(picture: Picture): Twin {
  const { body } = picture;
  const way = picture.ways.find((one) => one.id === picture.selection.way)?.label ?? picture.address;
  const client = picture.clients.find((one) => one.id === picture.selection.client)?.label ?? '';
  const caption = [picture.service, way, client && `from ${client}`].filter((part) => part).join(', ');
  switch (body.kind) {
    case 'nothing':
      return { caption, head: ['Answer'], rows: [[{ text: [body.why, body.advice].filter((one) => one).join(' ') }]] };
    case 'nodes':
      return {
        caption,
        head: ['Nodes', 'Goes to', 'Share', 'Against the API'],
        rows: body.rows.flatMap((row) => {
          const nodes = { text: row.nodes.join(', ') };
          const verdict = { text: row.verdict.words };
          if (row.segments.length === 0) return [[nodes, { text: row.words ?? '' }, { text: '' }, verdict]];
          return row.segments.map((segment) => [
            nodes,
            { text: segment.label },
            { text: segment.shareWords },
            segment.mark === 'wrong' ? { text: segment.words } : verdict,
          ]);
        }),
      };
    case 'node':
      return {
        caption,
        head: ['Goes to', 'Address', 'Share', 'Source', 'State', 'Rules'],
        rows: body.ends.map((end) => {
          const streams = body.streams.filter((stream) => stream.end === end.id);
          const places = [...new Set(streams.flatMap((stream) => stream.rules))];
          const masquerade = streams.some((stream) => stream.masquerade);
          const ifs = [...new Set(streams.flatMap((stream) => stream.assumptions))];
          const rewritten = end.mark === 'refused' || end.share === 0 ? '' : masquerade ? 'masqueraded' : 'kept';
          return [
            { text: end.title },
            { text: end.code ?? '', code: true },
            { text: end.shareWords },
            { text: rewritten },
            { text: [end.note ?? '', ...ifs].filter((one) => one).join('; ') },
            {
              text: places.map((place) => body.ruleLines[place]!.line).join(', '),
              rules: places.map((place) => body.ruleLines[place]!),
            },
          ];
        }),
      };
  }
}

/** As GitHub and every issue tracker render it. */
export function asMarkdown(twin: Twin, finding: string | undefined): string {
  const cell = (text: string) => text.replace(/\\/g, '\\\\').replace(/\|/g, '\\|').replace(/\s+/g, ' ');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rows = twin.rows.map((row) =>
    line(row.map(({ text, code }) => (code && text ? `\`${text.replace(/`/g, '')}\`` : cell(text)))),
  );
  return [
    `**${twin.caption}**`,
    '',
    ...(finding ? [finding, ''] : []),
    line(twin.head.map(cell)),
    line(twin.head.map(() => '---')),
    ...rows,
    '',
  ].join('\n');
}

/** So many segments fit beside each other and can still be read. */
const MOST_SEGMENTS = 12;

/** Those that are as they should be and alike become one where there are too many. */
export function foldSegments(segments: readonly Segment[]): readonly Segment[] {
  if (segments.length <= MOST_SEGMENTS) return segments;
  const good = segments.filter((segment) => segment.mark === 'good' && !segment.assumed);
  const others = segments.filter((segment) => segment.mark !== 'good' || segment.assumed);
  const share = good.reduce((sum, segment) => sum + segment.share, 0);
  const each = new Set(good.map((segment) => segment.shareWords));
  const words = `${good.length} endpoints${each.size === 1 ? `, each ${[...each][0]!}` : ''}`;
  const folded: Segment = {
    id: 'folded',
    label: words,
    share,
    shareWords: percent(share),
    mark: 'good',
    assumed: false,
    words,
  };
  return good.length > 1 ? [folded, ...others] : segments;
}
