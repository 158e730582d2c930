/** The picture of one node: client → VIP → rules → ends. */
import { formatAddress } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';
import { clientWords, sourceRanges } from './clients.ts';
import { addressAndPort, nameOf } from './endpoints.ts';
import { endKey } from './alike.ts';
import type { AssumptionView, Card, EndCard, NodePicture, RuleLine, StreamView } from './picture.ts';
import { ruleLines } from './rule-lines.ts';
import { percent } from '../diagnosis/shares.ts';
import type { Client, End, EndpointView, Idle, NodeAnswer, PortStory, ServiceStory, Stream, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

export interface Shown {
  readonly story: ServiceStory;
  readonly port: PortStory;
  readonly way: Way;
  readonly client: Client;
}

export function nodePicture(
  shown: Shown,
  answer: NodeAnswer & { readonly kind: 'traced' },
  node: TracedNode & { readonly kind: 'read' },
  settled: Readonly<Record<string, boolean>>,
): NodePicture {
  const streams = settle(answer.streams, settled);
  const lines = new Lines(answer.node);
  const ends = new Map<string, EndCard>();
  const views: StreamView[] = [];
  const worlds = worldsOf(streams);
  const streamsTo = Map.groupBy(streams, (stream) => endKey(stream.end));
  for (const [index, stream] of streams.entries()) {
    const id = endKey(stream.end);
    ends.set(id, { ...endCard(id, shown, stream), ...shareOf(streamsTo.get(id)!, worlds) });
    views.push({
      id: `${id} ${index}`,
      end: id,
      share: stream.share,
      shareWords: percent(stream.share),
      mark: markOf(stream),
      masquerade: stream.masquerade,
      assumptions: stream.assumptions.map(assumptionWords),
      words: streamWords(shown, answer.node, stream),
      rules: lines.of(stream.outcomes),
    });
  }
  const cards = [...ends.values(), ...answer.idle.map((idle) => idleCard(idle))];
  return {
    kind: 'node',
    node: answer.node,
    client: clientCard(shown, answer),
    service: serviceCard(shown, answer, node),
    rules: rulesCard(shown, streams, node),
    streams: views,
    ends: cards.sort((a, b) => (order(a) < order(b) ? -1 : 1)),
    ruleLines: lines.all,
    assumptions: assumptionsIn(answer.streams, settled),
  };
}

/** Keeps what agrees with the settled assumptions, which are assumptions no more. */
export function settle(streams: readonly Stream[], settled: Readonly<Record<string, boolean>>): readonly Stream[] {
  return streams
    .filter((stream) => stream.assumptions.every(({ words, holds }) => (settled[words] ?? holds) === holds))
    .map((stream) => ({
      ...stream,
      assumptions: stream.assumptions.filter(({ words }) => settled[words] === undefined),
    }));
}

function assumptionsIn(streams: readonly Stream[], settled: Readonly<Record<string, boolean>>): AssumptionView[] {
  const words = new Set(streams.flatMap((stream) => stream.assumptions.map((assumption) => assumption.words)));
  return [...words].sort().map((one) => {
    const choice = settled[one];
    return { words: one, ...(choice !== undefined && { settled: choice }) };
  });
}

export function assumptionWords({ words, holds }: { readonly words: string; readonly holds: boolean }): string {
  return holds ? `if ${words}` : `unless ${words}`;
}

/** Every rule once, however many streams went through it. */
class Lines {
  readonly all: RuleLine[] = [];
  readonly #places = new Map<string, number>();
  readonly #node: string;

  constructor(node: string) {
    this.#node = node;
  }

  of(outcomes: readonly Outcome[]): number[] {
    return ruleLines(this.#node, outcomes).map((line) => {
      const key = `${line.dump}:${line.line}:${line.table}:${line.chain}:${line.did}`;
      let place = this.#places.get(key);
      if (place === undefined) this.#places.set(key, (place = this.all.push(line) - 1));
      return place;
    });
  }
}

export function markOf(stream: Stream): 'good' | 'wrong' | 'refused' {
  if (stream.wrong !== undefined) return 'wrong';
  return stream.end.kind === 'endpoint' ? 'good' : 'refused';
}

const ORDER: readonly EndCard['mark'][] = ['good', 'wrong', 'refused', 'missing', 'idle', 'unknown'];

/** What gets packets by address, then what is no pod, then what gets none. */
function order(card: EndCard): string {
  const rank = card.mark === 'wrong' && card.share > 0 && card.code !== undefined ? 0 : ORDER.indexOf(card.mark);
  return `${rank} ${card.id.replace('stranger ', '')}`;
}

function endCard(id: string, shown: Shown, stream: Stream): Omit<EndCard, 'share' | 'shareWords'> {
  const common = { id, mark: markOf(stream) };
  const { end, wrong } = stream;
  switch (end.kind) {
    case 'endpoint':
      return { ...common, ...endpointCard(end.endpoint), note: wrong ?? placeWords(end.endpoint) };
    case 'stranger':
      return {
        ...common,
        title: end.now ?? 'nobody',
        code: addressAndPort(end.address, end.port),
        note: wrong ?? 'not an endpoint',
        condition: `not an endpoint of ${shown.story.key}`,
      };
    case 'untranslated':
      return {
        ...common,
        title: end.ipvs ? 'Left to IPVS' : 'Not translated',
        code: end.address,
        note: end.why,
        condition: end.ipvs ? 'left to IPVS' : 'not translated',
      };
    case 'reject':
      return {
        ...common,
        title: 'REJECT',
        code: end.with,
        note: wrong ? `${wrong}: ${end.why}` : end.why,
        condition: 'rejected',
      };
    case 'drop':
      return { ...common, title: 'DROP', note: wrong ? `${wrong}: ${end.why}` : end.why, condition: 'dropped' };
  }
}

/** An end's share; where it rests on what nobody knows, from the least to the most that it may be. */
function shareOf(mine: readonly Stream[], worlds: readonly World[]): Pick<EndCard, 'share' | 'shareWords'> {
  const shares = worlds.map((world) =>
    mine.filter((stream) => holdsIn(stream, world)).reduce((sum, stream) => sum + stream.share, 0),
  );
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const same = percent(least) === percent(most);
  return { share: most, shareWords: same ? percent(most) : `${percent(least)} to ${percent(most)}` };
}

type World = ReadonlyMap<string, boolean>;

/** Past so many open assumptions (2 to the power of it worlds) the picture is beyond reading anyway. */
const MOST_ASSUMPTIONS = 6;

/** Every way in which the open assumptions may hold. */
function worldsOf(streams: readonly Stream[]): readonly World[] {
  const words = new Set(streams.flatMap((stream) => stream.assumptions.map((assumption) => assumption.words)));
  let worlds: readonly World[] = [new Map()];
  for (const one of [...words].slice(0, MOST_ASSUMPTIONS))
    worlds = worlds.flatMap((world) => [true, false].map((holds) => new Map([...world, [one, holds]])));
  return worlds;
}

function holdsIn(stream: Stream, world: World): boolean {
  return stream.assumptions.every(({ words, holds }) => (world.get(words) ?? holds) === holds);
}

function endpointCard(endpoint: EndpointView): Pick<EndCard, 'title' | 'code' | 'node' | 'zone' | 'condition'> {
  return {
    // An endpoint that is no pod, such as the API server's, is its address.
    title: endpoint.pod ?? (endpoint.node ? `on ${endpoint.node}` : endpoint.address),
    code: addressAndPort(endpoint.address, endpoint.port),
    condition: conditionOf(endpoint),
    ...(endpoint.node !== undefined && { node: endpoint.node }),
    ...(endpoint.zone !== undefined && { zone: endpoint.zone }),
  };
}

export function conditionOf(endpoint: EndpointView): string {
  if (endpoint.conditions.terminating) return 'terminating';
  return endpoint.conditions.ready ? 'ready' : 'not ready';
}

/** "node-1 · zone-1 · ready". */
function placeWords(endpoint: EndpointView): string {
  return [endpoint.node, endpoint.zone, conditionOf(endpoint)].filter((part) => part).join(' · ');
}

function idleCard({ endpoint, reason, unexpected }: Idle): EndCard {
  return {
    id: addressAndPort(endpoint.address, endpoint.port),
    mark: unexpected ? 'missing' : 'idle',
    share: 0,
    shareWords: percent(0),
    ...endpointCard(endpoint),
    note: reason,
  };
}

function clientCard(shown: Shown, answer: NodeAnswer & { readonly kind: 'traced' }): Card {
  const ranges = sourceRanges(shown.story.service, shown.way.family).length > 0 && shown.way.kind === 'loadBalancerIP';
  return {
    title: clientWords(shown.client, answer.node, ranges),
    code: formatAddress(answer.packet.source),
    note: shown.client === 'ping' ? 'an echo request' : `a new ${shown.way.protocol} connection`,
  };
}

function serviceCard(
  shown: Shown,
  answer: NodeAnswer & { readonly kind: 'traced' },
  node: TracedNode & { readonly kind: 'read' },
): Card {
  const { story, port, way } = shown;
  const { destination, destinationPort } = answer.packet;
  const own = node.network.addresses.find(
    (one) => one.address.value === destination.value && one.address.family === way.family,
  );
  const note =
    way.kind === 'nodePort'
      ? `node port, on ${own?.interface ?? 'the node'}`
      : own
        ? `on ${own.interface} of this node`
        : 'not on any interface';
  const name = story.service.metadata.name;
  return {
    title: port.port.name ? `${name}:${port.port.name}` : name,
    code: addressAndPort(formatAddress(destination), destinationPort),
    note,
  };
}

/** The chain in which the choice fell, how it fell, and what became of the source. */
function rulesCard(shown: Shown, streams: readonly Stream[], node: TracedNode & { readonly kind: 'read' }): Card {
  const outcomes = streams.flatMap((stream) => stream.outcomes);
  const translated = outcomes.filter((outcome) => outcome.translated);
  const [first] = translated;
  if (!first) {
    const refusing = outcomes[0]?.path.findLast((step) => step.effect === 'reject' || step.effect === 'drop');
    if (!refusing) return { title: 'no rule matches', note: modeWords(node) };
    return { title: refusing.effect === 'reject' ? 'a rule rejects it' : 'a rule drops it', code: refusing.chain };
  }
  const chain = choosingChain(first);
  const ends = new Set(translated.map((outcome) => `${outcome.destination.value}:${outcome.destinationPort ?? 0}`))
    .size;
  return {
    title: ends === 1 ? 'DNAT' : `random 1 of ${ends}, DNAT`,
    ...(chain !== undefined && { code: chain }),
    note: [sourceWords(streams), affinityWords(shown)].filter((part) => part).join('; '),
  };
}

/** The picture is a new client's; with session affinity it comes back to the same pod. */
function affinityWords({ story: { service } }: Shown): string {
  if (service.spec.sessionAffinity !== 'ClientIP') return '';
  return `a client keeps its pod for ${service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800} s`;
}

/** Where chance decided; with one endpoint alone, where the last jump to its own chain stood. */
function choosingChain(outcome: Outcome): string | undefined {
  const before = outcome.path.slice(0, outcome.path.findIndex((step) => step.effect === 'dnat') + 1);
  const jumps = before.filter((step) => step.effect === 'jump' || step.effect === 'goto');
  const chance = before.findLast((step) => step.chance !== undefined);
  const own = jumps.findLast((step) => /^KUBE-(SVC|SVL|XLB|LOCAL)-|^(service|local)-/.test(step.chain));
  return (chance ?? own ?? before.at(-1))?.chain;
}

export function sourceWords(streams: readonly Stream[]): string {
  const through = streams.filter((stream) => stream.end.kind === 'endpoint' || stream.end.kind === 'stranger');
  const masqueraded = through.filter((stream) => stream.masquerade);
  if (masqueraded.length === 0) return 'the source is kept';
  const sources = new Set(
    masqueraded.flatMap((stream) => stream.outcomes.flatMap((o) => (o.source ? [formatAddress(o.source)] : []))),
  );
  const becomes =
    sources.size === 1
      ? `masquerade: the source becomes ${[...sources][0]!}`
      : 'masquerade: the source becomes this node';
  return masqueraded.length === through.length ? becomes : `${becomes}, for some`;
}

export function modeWords(node: TracedNode & { readonly kind: 'read' }): string {
  return node.mode === 'none' ? "none of kube-proxy's" : `${node.mode} mode`;
}

/** What an end is called in a sentence. */
export function endName(end: End): string {
  switch (end.kind) {
    case 'endpoint':
      return nameOf(end.endpoint);
    case 'stranger':
      return end.now ? `${end.now} (${end.address})` : addressAndPort(end.address, end.port);
    case 'untranslated':
      return end.ipvs ? 'IPVS, which is not followed' : 'nowhere: not translated';
    case 'reject':
      return 'REJECT';
    case 'drop':
      return 'DROP';
  }
}

function streamWords(shown: Shown, node: string, stream: Stream): string {
  const parts = [
    `${percent(stream.share)} to ${endName(stream.end)}`,
    stream.end.kind === 'endpoint' || stream.end.kind === 'stranger'
      ? stream.masquerade
        ? 'masqueraded'
        : 'source kept'
      : '',
    stream.wrong ?? '',
    ...stream.assumptions.map(assumptionWords),
  ];
  const ranges = shown.way.kind === 'loadBalancerIP';
  return `From ${clientWords(shown.client, node, ranges)}: ${parts.filter((part) => part).join(', ')}`;
}
