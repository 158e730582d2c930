/**
 * The rows of the Services tree, as plain data: namespace → Service → port → endpoints and nodes. VS Code asks for the children
 * of one row at a time, so nothing is computed that is not shown.
 */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { addressAndPort } from '../translation/endpoints.ts';
import type { Headline, Programming } from '../translation/headline.ts';
import { headlineOf, standingsOf } from '../translation/headline.ts';
import type { Scene } from '../translation/scene.ts';
import { answersIn } from '../translation/scene.ts';
import { storyOf } from '../translation/service.ts';
import type { Standing } from '../translation/standing.ts';
import { usualClient } from '../translation/standing.ts';
import type { EndpointView, PortStory, ServiceStory } from '../translation/story.ts';

export type ServicesRow =
  | {
      readonly kind: 'namespace';
      readonly id: string;
      readonly name: string;
      readonly services: number;
      /** The whole cluster has few Services: they are shown at once. */
      readonly few: boolean;
    }
  | { readonly kind: 'service'; readonly id: string; readonly story: ServiceStory; readonly headline: Headline }
  | { readonly kind: 'note'; readonly id: string; readonly text: string }
  | { readonly kind: 'port'; readonly id: string; readonly story: ServiceStory; readonly port: PortStory }
  | { readonly kind: 'endpoints'; readonly id: string; readonly story: ServiceStory; readonly port: PortStory }
  | { readonly kind: 'on-nodes'; readonly id: string; readonly story: ServiceStory; readonly port: PortStory }
  | {
      readonly kind: 'endpoint';
      readonly id: string;
      readonly story: ServiceStory;
      readonly port: PortStory;
      readonly endpoint: EndpointView;
      /** The nodes whose rules do not know it, though they should. */
      readonly missingOn: readonly string[];
    }
  | {
      readonly kind: 'nodes';
      readonly id: string;
      readonly story: ServiceStory;
      readonly port: PortStory;
      readonly nodes: readonly string[];
      readonly title: string;
      readonly standing: Standing;
    };

/** What is wrong, worst first; 0 is the worst. Two Services of one rank stand by name. */
export type Trouble = 0 | 1 | 2 | 3 | 4;

/** How a Service stands in the order of trouble: wrong on a node, nothing answers, not all ready, no rules, healthy. */
export function troubleOf(headline: Headline, programming: Programming | undefined): Trouble {
  if (programming && programming.wrong.length > 0) return 0;
  switch (headline.state) {
    case 'empty':
    case 'unready':
      return 1;
    case 'partly':
      return 2;
    case 'unproxied':
      return 4;
    case 'healthy':
      return programming && programming.refusing.length > 0 ? 1 : 3;
  }
}

/** What the user wants to see. */
export interface Arrangement {
  /** Lower case; Services whose name, namespace, type, VIP, port or label holds every word of it. */
  readonly filter: string;
  readonly order: 'name' | 'trouble';
  /** What is known of a Service's nodes by now; undefined where that is not computed yet. */
  readonly programming: (key: string) => Programming | undefined;
}

/** So many rows are looked through at a glance. */
const FEW = 40;

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The top: namespaces that have Services, after the filter. In order of trouble the worst namespace comes first. */
export function namespaceRows(objects: ClusterObjects, arrangement: Arrangement): readonly ServicesRow[] {
  const counts = new Map<string, { services: number; worst: number }>();
  const stories = wantedStories(objects, arrangement);
  const few = stories.length <= FEW;
  for (const story of stories) {
    const name = story.service.metadata.namespace ?? '';
    const entry = counts.get(name) ?? { services: 0, worst: 4 };
    entry.services++;
    if (arrangement.order === 'trouble')
      entry.worst = Math.min(entry.worst, troubleOf(headlineOf(objects, story), arrangement.programming(story.key)));
    counts.set(name, entry);
  }
  return [...counts]
    .sort(([a, x], [b, y]) => x.worst - y.worst || byText(a, b))
    .map(([name, { services }]) => ({ kind: 'namespace', id: `ns/${name}`, name, services, few }));
}

/** The Services of a namespace. */
export function serviceRows(
  objects: ClusterObjects,
  namespace: string,
  arrangement: Arrangement,
): readonly ServicesRow[] {
  const rows = wantedStories(objects, arrangement)
    .filter((story) => (story.service.metadata.namespace ?? '') === namespace)
    .map((story) => ({ story, headline: headlineOf(objects, story) }));
  const rank = (row: (typeof rows)[number]): number =>
    arrangement.order === 'trouble' ? troubleOf(row.headline, arrangement.programming(row.story.key)) : 0;
  return rows
    .map((row) => ({ row, rank: rank(row) }))
    .sort((a, b) => a.rank - b.rank || byText(a.row.story.key, b.row.story.key))
    .map(({ row }) => ({ kind: 'service', id: `svc/${row.story.key}`, ...row }));
}

function wantedStories(objects: ClusterObjects, arrangement: Arrangement): readonly ServiceStory[] {
  const words = arrangement.filter.split(/\s+/).filter((word) => word !== '');
  const services =
    words.length === 0
      ? objects.services
      : objects.services.filter((service) => {
          const { metadata, spec, status } = service;
          const text = [
            keyOf(service),
            spec.type ?? '',
            ...(spec.clusterIPs ?? [spec.clusterIP ?? '']),
            ...(spec.externalIPs ?? []),
            ...(status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip ?? ingress.hostname ?? ''),
            ...(spec.ports ?? []).flatMap((p) => [p.name ?? '', String(p.port), String(p.nodePort ?? '')]),
            ...Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`),
          ]
            .join(' ')
            .toLowerCase();
          return words.every((word) => text.includes(word));
        });
  return services.map((service) => storyOf(objects, service));
}

/** The ports of a Service; a sentence where it has no rules to look at. */
export function portRows(story: ServiceStory): readonly ServicesRow[] {
  const ports: ServicesRow[] = story.ports.map((port) => ({
    kind: 'port',
    id: `port/${story.key}/${port.id}`,
    story,
    port,
  }));
  if (story.proxied.is) return ports;
  return [{ kind: 'note', id: `note/${story.key}`, text: story.proxied.why }, ...ports];
}

/** "Endpoints" and "On the nodes". */
export function halves(story: ServiceStory, port: PortStory): readonly ServicesRow[] {
  const id = `${story.key}/${port.id}`;
  const endpoints: ServicesRow = { kind: 'endpoints', id: `endpoints/${id}`, story, port };
  return story.proxied.is ? [endpoints, { kind: 'on-nodes', id: `nodes/${id}`, story, port }] : [endpoints];
}

/** The endpoints of a port, each with the nodes that should know it and do not. */
export function endpointRows(scene: Scene, story: ServiceStory, port: PortStory): readonly ServicesRow[] {
  const missing = missingOn(scene, story, port);
  return port.endpoints.map((endpoint) => {
    const address = addressAndPort(endpoint.address, endpoint.port);
    const id = `endpoint/${story.key}/${port.id}/${address}`;
    return { kind: 'endpoint', id, story, port, endpoint, missingOn: missing.get(address) ?? [] };
  });
}

/** By "address:port": the nodes that send nothing to an endpoint that they should send to. */
function missingOn(scene: Scene, story: ServiceStory, port: PortStory): ReadonlyMap<string, readonly string[]> {
  const missing = new Map<string, string[]>();
  const ways = port.ways.filter((way) => way.kind === 'clusterIP');
  for (const way of ways)
    for (const answer of answersIn(scene, story, port, way, usualClient(way))) {
      if (answer.kind !== 'traced' || scene.pending?.(story.service, answer.node)) continue;
      for (const { endpoint, unexpected } of answer.idle) {
        if (!unexpected) continue;
        const address = addressAndPort(endpoint.address, endpoint.port);
        missing.set(address, [...(missing.get(address) ?? []), answer.node]);
      }
    }
  return missing;
}

/** What the nodes do; those alike share a row. */
export function nodeRows(scene: Scene, story: ServiceStory, port: PortStory): readonly ServicesRow[] {
  return standingsOf(scene, story, port).map(({ nodes, title, standing }) => ({
    kind: 'nodes',
    id: `node/${story.key}/${port.id}/${nodes[0] ?? ''}`,
    story,
    port,
    nodes,
    title,
    standing,
  }));
}
