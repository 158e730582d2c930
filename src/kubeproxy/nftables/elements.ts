/**
 * What one service port puts into the sets and maps that all share: they lead a packet to its chains, or refuse it.
 * Source: pkg/proxy/nftables/proxier.go, syncProxyRules.
 */
import { contains, parsePrefix, type Prefix } from '../../netfilter/address.ts';
import type { ProxiedEndpoint } from '../endpoints.ts';
import type { ProxiedPort } from '../services.ts';
import type { Generation } from './generation.ts';
import { prefix } from './intervals.ts';
import type { Json, Statement } from './objects.ts';
import type { Routes } from './routes.ts';
import type { TableSettings } from './settings.ts';
import { goto } from './statements.ts';

export interface Element {
  /** The set or map that holds it. */
  readonly container: string;
  /** Its key as a listing shows it, "10.96.0.10 . udp . 53": unique in its container. */
  readonly id: string;
  /** As nft lists it: the key, or a pair of key and verdict. */
  readonly elem: Json;
}

/** nft's longest comment, in bytes. */
export const LONGEST_COMMENT = 128;

export function elementsOf(routes: Routes, settings: TableSettings, generation: Generation): Element[] {
  const { port, externalChain, firewallChain } = routes;
  const comment = generation.cutsComments ? port.label.slice(0, LONGEST_COMMENT) : port.label;
  const to = (address: string) => [address, port.protocol, port.port];
  const elements: Element[] = [];
  const add = (...some: Element[]) => elements.push(...some);

  if (generation.stock !== '1.29') add(single('cluster-ips', port.clusterIP));
  if (routes.internalChain !== undefined) add(entry('service-ips', to(port.clusterIP), goto(routes.internalChain)));
  else add(entry('no-endpoint-services', to(port.clusterIP), routes.internalRefusal, comment));

  for (const address of [...port.externalIPs, ...port.loadBalancerIPs]) {
    if (routes.usesExternal) add(entry('service-ips', to(address), goto(externalChain)));
    // Both, where pods and the node may still pass: the refusal comes after DNAT, which they had by then.
    if (routes.externalPolicyChain === undefined)
      add(entry('no-endpoint-services', to(address), routes.externalRefusal, comment));
  }
  if (port.nodePort !== 0) {
    const nodePort = [port.protocol, port.nodePort];
    if (routes.usesExternal) add(entry('service-nodeports', nodePort, goto(externalChain)));
    if (routes.externalPolicyChain === undefined)
      add(entry('no-endpoint-nodeports', nodePort, routes.externalRefusal, comment));
    if (settings.refusedOnLoopback?.includes(port.protocol))
      add(entry('localhost-nodeport-reject-ports', nodePort, goto(`localhost-nodeport-reject-${port.protocol}`)));
  }
  if (routes.usesFirewall)
    for (const address of port.loadBalancerIPs) {
      if (generation.stock === '1.29') add(...firewall129(routes, settings, address));
      else
        add(entry('firewall-ips', to(address), goto(firewallChain), generation.firewallComments ? comment : undefined));
    }
  return elements;
}

/** Of the endpoints on this node: an endpoint that meets itself is masqueraded. Since 1.36; before, its chain did that. */
export function hairpinsOf(
  port: ProxiedPort,
  reachable: readonly ProxiedEndpoint[],
  { nodeName }: TableSettings,
): Element[] {
  return reachable
    .filter(({ node }) => node === nodeName)
    .map((endpoint) => key('hairpin-connections', [endpoint.ip, endpoint.ip, port.protocol, endpoint.port]));
}

/** 1.29 kept destination and allowed source together in one set. */
function firewall129({ port }: Routes, settings: TableSettings, address: string): Element[] {
  const destination = [address, port.protocol, port.port];
  const allowed = (source: Json, text: string, comment?: string): Element => ({
    container: 'firewall-allow',
    id: [...destination, text].join(' . '),
    elem: withComment({ concat: [...destination, source] }, comment),
  });
  const ranges = sourceRanges(port.sourceRanges);
  const elements = [
    key('firewall', destination, port.label),
    ...ranges.map((range, i) => {
      const text = port.sourceRanges[i]!;
      return allowed(prefix(range), text.replace(/\/(32|128)$/, ''), port.label);
    }),
  ];
  if (letsNodeIn(ranges, settings)) elements.push(allowed(address, address));
  return elements;
}

export function sourceRanges(texts: readonly string[]): Prefix[] {
  return texts.map((text) => parsePrefix(text)!);
}

/**
 * Where a source range holds the node, its connections to the load balancer's IP are let in with that IP as their source as well:
 * so they come where the IP is bound to the node.
 */
export function letsNodeIn(ranges: readonly Prefix[], { nodeIP }: TableSettings): boolean {
  return ranges.some((range) => contains(range, nodeIP));
}

type Part = string | number;

const single = (container: string, address: string): Element => ({ container, id: address, elem: address });

const key = (container: string, parts: readonly Part[], comment?: string): Element => ({
  container,
  id: parts.join(' . '),
  elem: withComment({ concat: parts }, comment),
});

const entry = (container: string, parts: readonly Part[], verdict: Statement, comment?: string): Element => ({
  container,
  id: parts.join(' . '),
  elem: [withComment({ concat: parts }, comment), verdict],
});

function withComment(val: Json, comment: string | undefined): Json {
  return comment === undefined ? val : { elem: { val, comment } };
}
