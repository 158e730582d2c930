/** What one node does with a client's packet: its streams, and the endpoints that get none of it. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { formatAddress } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { packetFrom } from './clients.ts';
import { nodeNamed } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import { endsOf } from './ends.ts';
import { expectationOf, notReadyWords } from './expectation.ts';
import type { Expectation } from './expectation.ts';
import { percent } from '../diagnosis/shares.ts';
import type { Client, EndpointView, Idle, NodeAnswer, PortStory, ServiceStory, Stream, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

export interface Question {
  readonly objects: ClusterObjects;
  readonly story: ServiceStory;
  readonly port: PortStory;
  readonly way: Way;
  readonly client: Client;
}

/** Of one node. */
export function answerOf(question: Question, traced: TracedNode): NodeAnswer {
  const name = traced.name;
  if (traced.kind === 'unread')
    return { node: name, kind: 'unknown', why: traced.why, ...(traced.advice && { advice: traced.advice }) };
  const node = nodeNamed(question.objects, name) ?? { metadata: { name } };
  const sent = packetFrom(question.client, question.way, {
    objects: question.objects,
    service: question.story.service,
    node,
    network: traced.network,
  });
  if ('none' in sent) return { node: name, kind: 'none', why: sent.none };
  return { node: name, kind: 'traced', at: traced.at, packet: sent.packet, ...judged(question, traced, sent.packet) };
}

/** Where a packet to the question's way in goes on a node, and which endpoints get none of it; its client is the question's. */
export function judged(
  question: Question,
  traced: TracedNode & { readonly kind: 'read' },
  packet: PacketCase,
): { readonly streams: readonly Stream[]; readonly idle: readonly Idle[] } {
  const outcomes = traced.trace(packet);
  const judge = (thorough: boolean) => {
    const expected = expectationOf(question, traced, packet, thorough);
    const streams = streamsOf(question, traced, outcomes, expected);
    const idle = question.client === 'ping' ? [] : idleOf(question, streams, expected);
    return { streams, idle };
  };
  const quick = judge(false);
  // Whether loopback has node ports is the configuration's choice, of which the endpoints say nothing.
  const fine =
    question.way.address !== '127.0.0.1' &&
    quick.streams.every((stream) => stream.wrong === undefined) &&
    quick.idle.every((idle) => !idle.unexpected);
  // Nobody is accused on a guess.
  return fine ? quick : judge(true);
}

function streamsOf(
  question: Question,
  traced: TracedNode & { readonly kind: 'read' },
  outcomes: readonly Outcome[],
  expected: Expectation,
): readonly Stream[] {
  const endOf = endsOf(question, traced, expected);
  const streams = new Map<string, Stream & { readonly rank: string }>();
  for (const outcome of outcomes) {
    if (outcome.probability <= 0) continue;
    const { end, wrong } = endOf(outcome);
    const assumptions = outcome.assumptions.map(({ words, holds }) => ({ words, holds }));
    const rank = rankOf(end);
    const id = JSON.stringify([rank, outcome.masquerade, assumptions]);
    const before = streams.get(id);
    streams.set(id, {
      rank,
      end,
      share: (before?.share ?? 0) + outcome.probability,
      masquerade: outcome.masquerade,
      assumptions,
      outcomes: [...(before?.outcomes ?? []), outcome],
      ...(wrong !== undefined && { wrong }),
    });
  }
  const sorted = [...streams].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stream]) => stream);
  const unlike = unlikeShares(sorted, expected);
  return sorted.map(({ end, share, masquerade, assumptions, outcomes: behind, wrong = unlike.get(end) }) => ({
    end,
    share,
    masquerade,
    assumptions,
    outcomes: behind,
    ...(wrong !== undefined && { wrong }),
  }));
}

/** Ends that get another share than they should, where it is the right ends that get something. */
function unlikeShares(streams: readonly Stream[], expected: Expectation): ReadonlyMap<Stream['end'], string> {
  const unlike = new Map<Stream['end'], string>();
  if (streams.length !== expected.chosen.size || streams.some((stream) => stream.wrong !== undefined)) return unlike;
  for (const { end, share, assumptions } of streams) {
    const due = end.kind === 'endpoint' ? expected.chosen.get(end.endpoint) : undefined;
    // The kernel's own rounding of a probability is 2^-31; up to 1.16 kube-proxy wrote five decimals.
    if (due === undefined || assumptions.length > 0 || Math.abs(due - share) < 1e-4) continue;
    unlike.set(end, `gets ${percent(share)} instead of ${percent(due)}`);
  }
  return unlike;
}

/** Pods first, by address as kube-proxy sorts them, then what is no pod. */
function rankOf(end: Stream['end']): string {
  switch (end.kind) {
    case 'endpoint':
      return `0 ${addressAndPort(end.endpoint.address, end.endpoint.port)}`;
    case 'stranger':
      return `0 ${addressAndPort(end.address, end.port)}`;
    case 'untranslated':
      return `1 ${end.address}`;
    case 'reject':
      return `2 ${end.with}`;
    case 'drop':
      return '3';
  }
}

function idleOf(question: Question, streams: readonly Stream[], expected: Expectation): readonly Idle[] {
  const served = new Set<EndpointView>();
  for (const { end } of streams) if (end.kind === 'endpoint') served.add(end.endpoint);
  const refused = streams.find(({ end }) => end.kind === 'drop' || end.kind === 'reject');
  const ipvs = streams.some(({ end }) => end.kind === 'untranslated' && end.ipvs);
  const family6 = question.way.family === 6;
  const idle: Idle[] = [];
  for (const endpoint of question.port.endpoints) {
    if (served.has(endpoint) || endpoint.address.includes(':') !== family6) continue;
    const why = expected.leftOut.get(endpoint);
    if (why !== undefined) idle.push({ endpoint, reason: why, unexpected: false });
    else if (ipvs) idle.push({ endpoint, reason: `${readyWords(endpoint)}, and IPVS chooses`, unexpected: false });
    else if (refused && refused.wrong === undefined)
      idle.push({ endpoint, reason: 'ready, but this client is refused', unexpected: false });
    else if (served.size === 0 && refused)
      idle.push({ endpoint, reason: 'ready, but this node lets nothing through', unexpected: true });
    else idle.push({ endpoint, reason: `${readyWords(endpoint)}, but not in its rules`, unexpected: true });
  }
  return idle;
}

function readyWords(endpoint: EndpointView): string {
  return endpoint.conditions.ready ? 'ready' : notReadyWords(endpoint);
}

/** The address of a packet's source, for showing. */
export function sourceOf(answer: NodeAnswer): string | undefined {
  return answer.kind === 'traced' ? formatAddress(answer.packet.source) : undefined;
}
