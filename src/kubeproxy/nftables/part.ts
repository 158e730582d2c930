/** What one service port has in a table of a node: computed once for as long as nothing about the port changes. */
import { dependsOnNode, type Proxied } from '../proxied.ts';
import { selectEndpoints, type NodePlace } from '../selection.ts';
import type { ProxiedEndpoint } from '../endpoints.ts';
import type { ProxiedPort } from '../services.ts';
import { chainsOf } from './chains.ts';
import { elementsOf, hairpinsOf, type Element } from './elements.ts';
import type { Generation } from './generation.ts';
import type { Chain, Container } from './listing.ts';
import { routesOf } from './routes.ts';
import type { TableSettings } from './settings.ts';

/** All that one service port has in a table. The same object as long as nothing about it changes. */
export interface PortPart {
  readonly port: ProxiedPort;
  /** All that the API has of it, usable or not. */
  readonly endpoints: readonly ProxiedEndpoint[];
  readonly chains: readonly Chain[];
  /** Its affinity sets. */
  readonly sets: readonly Container[];
  /** Its elements in the sets and maps that all ports share. */
  readonly elements: readonly Element[];
}

interface Remembered {
  readonly settings: string;
  /** What is the same on every node. */
  readonly part: PortPart;
  /** Those that have an endpoint of the port, where that matters: since 1.36 they have its hairpin connections. */
  readonly nodes: ReadonlySet<string | undefined>;
  /** With a node's hairpin connections. */
  readonly onNodes: Map<string, PortPart>;
}

/** A Service that changes is read anew (see proxied.ts), and forgotten here. */
const memory = new WeakMap<Proxied, Remembered[]>();

/** An old and a new configuration; nodes that differ in more are computed each time. */
const REMEMBERED = 2;

export function partOf(
  found: Proxied,
  place: NodePlace,
  settings: TableSettings,
  generation: Generation,
  key: string,
): PortPart {
  const own = found.port.sourceRanges.length > 0 ? `${key} ${settings.nodeIP.value}` : key;
  const known = memory.get(found) ?? [];
  let remembered = known.find((each) => each.settings === own);
  if (!remembered) {
    if (dependsOnNode(found)) return compute(found, place, settings, generation);
    const part = compute(found, place, { ...settings, nodeName: '' }, generation);
    const nodes = generation.stock === '1.36' ? found.endpoints.map(({ node }) => node) : [];
    remembered = { settings: own, part, nodes: new Set(nodes), onNodes: new Map() };
    memory.set(found, [remembered, ...known].slice(0, REMEMBERED));
  }
  const { part, nodes, onNodes } = remembered;
  if (!nodes.has(settings.nodeName)) return part;
  let here = onNodes.get(settings.nodeName);
  if (!here) {
    const hairpins = hairpinsOf(found.port, selectEndpoints(found.port, found.endpoints, place).reachable, settings);
    here = hairpins.length > 0 ? { ...part, elements: [...part.elements, ...hairpins] } : part;
    onNodes.set(settings.nodeName, here);
  }
  return here;
}

function compute(
  { port, endpoints }: Proxied,
  place: NodePlace,
  settings: TableSettings,
  generation: Generation,
): PortPart {
  const routes = routesOf(port, selectEndpoints(port, endpoints, place));
  const { chains, affinitySets } = chainsOf(routes, settings, generation);
  const hairpins = generation.stock === '1.36' ? hairpinsOf(port, routes.selection.reachable, settings) : [];
  const elements = [...elementsOf(routes, settings, generation), ...hairpins];
  return { port, endpoints, chains, sets: affinitySets, elements };
}

/** All of the settings that parts are made of, but for the node's name and, where a port has source ranges, its address. */
export function partSettings({
  family,
  release,
  mark,
  masqueradeAll,
  localPods,
  refusedOnLoopback,
}: TableSettings): string {
  const { minor, patch } = release;
  return JSON.stringify([family, minor, patch, mark, masqueradeAll, localPods?.isLocal ?? null, refusedOnLoopback]);
}
