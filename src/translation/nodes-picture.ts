/** All nodes side by side; those that are alike are one row. */
import { alikeNodes, endKey } from './alike.ts';
import { addressAndPort } from './endpoints.ts';
import { assumptionWords, endName, markOf, settle } from './node-picture.ts';
import type { Mark, NodesPicture, NodesRow, Segment } from './picture.ts';
import { percent } from '../diagnosis/shares.ts';
import { againstApi } from './standing.ts';
import type { NodeAnswer, Stream } from './story.ts';

const MARKS: Readonly<Record<ReturnType<typeof againstApi>['state'], Mark>> = {
  programmed: 'good',
  refused: 'refused',
  wrong: 'wrong',
  pending: 'unknown',
  unknown: 'unknown',
  none: 'idle',
};

/** So many nodes of a row are named. */
const NAMED = 3;

export function nodesPicture(
  answers: readonly NodeAnswer[],
  endpoints: number,
  settled: Readonly<Record<string, boolean>>,
  isPending: (node: string) => boolean,
): NodesPicture {
  const rows = alikeNodes(answers).map(({ nodes, answer }): NodesRow => {
    const against = againstApi(answer);
    const { state, words } =
      against.state === 'wrong' && nodes.every(isPending)
        ? ({ state: 'pending', words: `pending: ${against.words}` } as const)
        : against;
    const more = nodes.length - NAMED;
    const known = answer.kind === 'traced';
    return {
      node: answer.node,
      nodes,
      title: nodes.slice(0, NAMED).join(', '),
      ...(more > 0 && { note: `and ${more} more alike` }),
      segments: known ? settle(answer.streams, settled).map(segmentOf) : [],
      ...(!known && { words: notKnown(answer, endpoints) }),
      verdict: { mark: MARKS[state], words },
    };
  });
  return { kind: 'nodes', rows };
}

function notKnown(answer: Exclude<NodeAnswer, { kind: 'traced' }>, endpoints: number): string {
  if (answer.kind === 'none') return answer.why;
  const known = endpoints === 1 ? 'the API has 1 endpoint' : `the API has ${endpoints} endpoints`;
  return `${answer.why} · ${known}; what this node does with them is not known`;
}

function segmentOf(stream: Stream, index: number): Segment {
  const { end } = stream;
  const words = [endName(end), percent(stream.share), stream.wrong ?? '', ...stream.assumptions.map(assumptionWords)];
  return {
    id: `${endKey(end)} ${index}`,
    label: label(stream),
    share: stream.share,
    shareWords: percent(stream.share),
    mark: markOf(stream),
    assumed: stream.assumptions.length > 0,
    words: words.filter((word) => word).join(', '),
  };
}

function label(stream: Stream): string {
  const { end } = stream;
  switch (end.kind) {
    case 'endpoint':
      return end.endpoint.pod ? shortPod(end.endpoint.pod) : addressAndPort(end.endpoint.address, end.endpoint.port);
    case 'stranger':
      return end.now ? `${end.address} · now ${shortPod(end.now)}` : `${end.address} · gone`;
    case 'untranslated':
      return end.ipvs ? 'left to IPVS' : 'not translated';
    case 'reject':
      return 'REJECT';
    case 'drop':
      return 'DROP';
  }
}

/** A ReplicaSet's pods differ in the end of their names: "front-…92hnx". */
function shortPod(name: string): string {
  const parts = /^(.+?)-[a-z0-9]{6,10}-([a-z0-9]{5})$/.exec(name);
  return parts ? `${parts[1]!}-…${parts[2]!}` : name;
}
