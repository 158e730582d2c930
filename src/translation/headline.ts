/** A Service in one line of the tree: what the API says of it, and which nodes disagree. */
import { nearestTo, selectedPods, selectorText, targetOn } from '../diagnosis/selector.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { podsIn } from './directory.ts';
import { namesOf } from './alike.ts';
import type { Scene } from './scene.ts';
import { standingOf } from './standing.ts';
import type { Standing, State } from './standing.ts';
import type { EndpointView, PortStory, ServiceStory } from './story.ts';

export interface Headline {
  readonly state:
    | 'healthy'
    /** Some endpoints are not ready. */
    | 'partly'
    /** Endpoints, none of them ready. */
    | 'unready'
    /** No endpoints at all. */
    | 'empty'
    /** Headless, ExternalName, another proxy's. */
    | 'unproxied';
  /** "3 endpoints", "1 of 2 ready", "no endpoints: nothing has app=frnt". */
  readonly words: string;
  /** A second sentence for a tooltip: "3 pods have app=front". */
  readonly more?: string;
}

/** From the API alone. */
export function headlineOf(objects: ClusterObjects, story: ServiceStory): Headline {
  if (story.service.spec.type === 'ExternalName')
    return { state: 'unproxied', words: `DNS name of ${story.service.spec.externalName ?? 'nothing'}` };
  const total = distinct(story, () => true);
  const ready = distinct(story, (endpoint) => endpoint.conditions.ready);
  if (!story.proxied.is) return { state: 'unproxied', words: endpointsWords(total), more: story.proxied.why };
  if (total === 0) return empty(objects, story);
  if (ready === 0) {
    const why = story.ports.flatMap((port) => port.endpoints).find((endpoint) => endpoint.notReady)?.notReady;
    return { state: 'unready', words: `0 of ${total} ready`, ...(why && { more: why }) };
  }
  if (ready < total) return { state: 'partly', words: `${ready} of ${total} ready` };
  return { state: 'healthy', words: endpointsWords(total) };
}

function endpointsWords(total: number): string {
  return total === 1 ? '1 endpoint' : `${total} endpoints`;
}

/** Pods, not ports: an endpoint with two ports counts once. */
function distinct(story: ServiceStory, suits: (endpoint: EndpointView) => boolean): number {
  const addresses = new Set<string>();
  for (const port of story.ports)
    for (const endpoint of port.endpoints) if (suits(endpoint)) addresses.add(endpoint.address);
  return addresses.size;
}

function empty(objects: ClusterObjects, story: ServiceStory): Headline {
  const { service } = story;
  const { selector } = service.spec;
  if (!selector || Object.keys(selector).length === 0)
    return {
      state: 'empty',
      words: 'no endpoints: it has no selector',
      more: 'Somebody has to write its EndpointSlices.',
    };
  const pods = selectedPods(service, podsIn(objects, service.metadata.namespace ?? ''));
  if (pods.length === 0) {
    const more = nearestWords(objects, story);
    return { state: 'empty', words: `no endpoints: nothing has ${selectorText(selector)}`, ...(more && { more }) };
  }
  for (const { port, protocol } of story.ports) {
    if (typeof port.targetPort !== 'string') continue;
    const targets = pods.map((pod) => targetOn(pod, port.targetPort, port.port, protocol));
    const missed = targets.find((target) => target.kind === 'no-such-name');
    if (!missed || targets.some((target) => target.kind === 'port')) continue;
    const has = missed.has.length > 0 ? `Those of ${podsWords(pods.length)} are named ${missed.has.join(', ')}.` : '';
    return {
      state: 'empty',
      words: `no endpoints: no container port is named ${port.targetPort}`,
      ...(has && { more: has }),
    };
  }
  return {
    state: 'empty',
    words: 'no endpoints',
    more: `${podsWords(pods.length)} ${pods.length === 1 ? 'matches' : 'match'} its selector and ${pods.length === 1 ? 'has' : 'have'} no address yet.`,
  };
}

function podsWords(count: number): string {
  return count === 1 ? '1 pod' : `${count} pods`;
}

/** What was probably meant: "3 pods have app=front." */
function nearestWords(objects: ClusterObjects, story: ServiceStory): string | undefined {
  const nearest = nearestTo(story.service, objects.pods);
  if (!nearest) return undefined;
  const { length } = nearest.pods;
  const have = length === 1 ? '1 pod has' : `${length} pods have`;
  switch (nearest.kind) {
    case 'label':
      return `${have} ${nearest.has} instead of ${nearest.wanted}.`;
    case 'too-much':
      return `${have} all of it but ${nearest.wanted}.`;
    case 'namespace':
      return `${have} it in namespace ${nearest.namespace}.`;
  }
}

/** What the nodes do with a Service, all ports together. */
export interface Programming {
  /** Nodes that were read. */
  readonly read: number;
  readonly programmed: number;
  readonly refusing: readonly string[];
  readonly wrong: readonly string[];
  /** Nodes that need not show the newest change yet. */
  readonly pending: readonly string[];
  readonly unknown: readonly string[];
  /** The badge: "node-3", "3 nodes"; undefined where no node disagrees. */
  readonly badge?: string;
}

/** Follows packets through every node's rules: ask for it where it is shown. */
export function programmingOf(scene: Scene, story: ServiceStory): Programming {
  const worst = scene.nodes.map((node) => {
    const standings = story.ports.map((port) => standingOf(scene, story, port, node));
    return { node: node.name, state: worstOf(standings) };
  });
  const named = (state: State) => worst.filter((one) => one.state === state).map((one) => one.node);
  const wrong = named('wrong');
  const unknown = named('unknown');
  return {
    read: worst.length - unknown.length,
    programmed: named('programmed').length,
    refusing: named('refused'),
    wrong,
    pending: named('pending'),
    unknown,
    ...(wrong.length > 0 && { badge: wrong.length === 1 ? wrong[0]! : `${wrong.length} nodes` }),
  };
}

const ORDER: readonly State[] = ['wrong', 'pending', 'unknown', 'refused', 'programmed', 'none'];

function worstOf(standings: readonly Standing[]): State {
  return ORDER.find((state) => standings.some((standing) => standing.state === state)) ?? 'none';
}

/** Nodes with the same words are one row: "node-1, node-2" and "3 of 3". */
export function standingsOf(
  scene: Scene,
  story: ServiceStory,
  port: PortStory,
): readonly { readonly nodes: readonly string[]; readonly title: string; readonly standing: Standing }[] {
  const rows = new Map<string, { nodes: string[]; standing: Standing }>();
  for (const node of scene.nodes) {
    const standing = standingOf(scene, story, port, node);
    const key = `${standing.state} ${standing.words}`;
    const row = rows.get(key);
    if (row) row.nodes.push(node.name);
    else rows.set(key, { nodes: [node.name], standing });
  }
  return [...rows.values()].map((row) => ({ ...row, title: namesOf(row.nodes) }));
}
