/** How a node stands to a Service port, in a few words: "3 of 3", "2 of 3, 1 stale: 10.244.1.1 is cart-lgsrf now", "REJECT". */
import type { Pending } from '../diagnosis/pending.ts';
import { seconds } from '../diagnosis/seconds.ts';
import { addressAndPort } from './endpoints.ts';
import { answerIn } from './scene.ts';
import type { Scene } from './scene.ts';
import { wayWords } from './service.ts';
import type { Client, NodeAnswer, PortStory, ServiceStory, Stream, Way } from './story.ts';
import type { TracedNode } from './traced-node.ts';

export type State =
  /** As the API means it. */
  | 'programmed'
  /** As the API means it, and no packet gets through: REJECT or DROP. */
  | 'refused'
  /** Otherwise than the API means it. */
  | 'wrong'
  /** The same, and yet no fault: the rules were read before the newest change, or kube-proxy may still be about to write it. */
  | 'pending'
  /** Not captured, or not readable. */
  | 'unknown'
  /** Nothing to do there. */
  | 'none';

export interface Standing {
  readonly node: string;
  readonly state: State;
  readonly words: string;
  /** What to do, where the node could not be read. */
  readonly advice?: string;
  /** The way in that the words are about, and who sent. */
  readonly way?: Way;
  readonly client?: Client;
}

/** The client for whom a way in is there. */
export function usualClient(way: Way): Client {
  if (way.kind === 'clusterIP') return 'pod';
  return way.address === '127.0.0.1' ? 'node' : 'outside';
}

/** Of all ways in: the first that is wrong, else the first. */
export function standingOf(scene: Scene, story: ServiceStory, port: PortStory, node: TracedNode): Standing {
  let first: Standing | undefined;
  for (const way of port.ways) {
    // Whether 127.0.0.1 has node ports is the configuration's choice: its absence is no fault.
    if (way.address === '127.0.0.1') continue;
    const client = usualClient(way);
    const answer = answerIn(scene, story, port, way, client, node);
    const standing = { ...brief(answer), way, client };
    if (standing.state === 'wrong') {
      const words = way === port.ways[0] ? standing.words : `${wayWords(way)}: ${standing.words}`;
      const pending = scene.pending?.(story.service, node.name);
      return pending
        ? { ...standing, state: 'pending', words: `${words}; ${pendingWords(pending)}` }
        : { ...standing, words };
    }
    if (!first || (first.state === 'none' && standing.state !== 'none')) first = standing;
  }
  return first ?? { node: node.name, state: 'none', words: 'nothing to program' };
}

function pendingWords({ age }: Pending): string {
  return age === 0 ? 'read before its newest change' : `changed ${seconds(age)} s before that`;
}

/** Of one answer. */
export function brief(answer: NodeAnswer): Standing {
  const { node } = answer;
  if (answer.kind === 'unknown')
    return { node, state: 'unknown', words: answer.why, ...(answer.advice && { advice: answer.advice }) };
  if (answer.kind === 'none') return { node, state: 'none', words: answer.why };
  const { streams, idle } = answer;
  const good = streams.filter((stream) => stream.end.kind === 'endpoint' && stream.wrong === undefined);
  const missing = idle.filter((one) => one.unexpected);
  const stale = streams.filter((stream) => stream.wrong !== undefined);
  const reached = new Set(good.map((stream) => endpointId(stream))).size;
  const of = reached + missing.length;
  if (stale.length === 0 && missing.length === 0) {
    const refusal = streams.find((stream) => stream.end.kind === 'reject' || stream.end.kind === 'drop');
    if (refusal && reached === 0) return { node, state: 'refused', words: refusalWords(refusal) };
    if (reached === 0) return { node, state: 'none', words: streams[0] ? refusalWords(streams[0]) : 'no answer' };
    return { node, state: 'programmed', words: `${reached} of ${of}` };
  }
  const parts = of > 0 ? [`${reached} of ${of}`] : [];
  const nowhere = stale.find((stream) => stream.end.kind !== 'endpoint' && stream.end.kind !== 'stranger');
  if (nowhere && reached === 0)
    return { node, state: 'wrong', words: `${refusalWords(nowhere)}: ${nowhere.wrong ?? ''}` };
  if (stale.length > 0) parts.push(`${stale.length} stale: ${staleWords(stale[0]!)}`);
  else if (missing.length > 0) {
    const { address } = missing[0]!.endpoint;
    parts.push(
      missing.length === 1 ? `${address} is missing` : `${address} and ${missing.length - 1} more are missing`,
    );
  }
  return { node, state: 'wrong', words: parts.join(', ') };
}

/** Against the API, for a column of its own: "as expected", "1 stale, 1 missing". */
export function againstApi(answer: NodeAnswer): { readonly state: State; readonly words: string } {
  if (answer.kind === 'unknown') return { state: 'unknown', words: 'not read' };
  if (answer.kind === 'none') return { state: 'none', words: 'no such packet' };
  const stale = answer.streams.filter((stream) => stream.wrong !== undefined).length;
  const missing = answer.idle.filter((one) => one.unexpected).length;
  if (stale + missing === 0) {
    const through = answer.streams.some((stream) => stream.end.kind === 'endpoint');
    return { state: through ? 'programmed' : 'refused', words: 'as expected' };
  }
  const parts = [stale ? `${stale} stale` : '', missing ? `${missing} missing` : ''].filter((part) => part);
  return { state: 'wrong', words: parts.join(', ') };
}

function endpointId(stream: Stream): string {
  return stream.end.kind === 'endpoint' ? addressAndPort(stream.end.endpoint.address, stream.end.endpoint.port) : '';
}

function refusalWords(stream: Stream): string {
  switch (stream.end.kind) {
    case 'reject':
      return 'REJECT';
    case 'drop':
      return 'DROP';
    case 'untranslated':
      return stream.end.ipvs ? 'left to IPVS' : stream.end.diverted ? 'diverted' : 'no rule';
    case 'stranger':
    case 'endpoint':
      return staleWords(stream);
  }
}

function staleWords(stream: Stream): string {
  const { end } = stream;
  if (end.kind === 'stranger') return end.now ? `${end.address} is ${end.now} now` : `${end.address} is gone`;
  if (end.kind === 'endpoint') return `${end.endpoint.pod ?? end.endpoint.address} ${stream.wrong ?? ''}`.trim();
  return stream.wrong ?? '';
}
