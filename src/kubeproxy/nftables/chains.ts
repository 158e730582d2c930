/**
 * A service port's own chains and sets, in the order in which kube-proxy makes them.
 * Source: pkg/proxy/nftables/proxier.go, syncProxyRules, writeServiceToEndpointRules (to 1.35), …DNATs and …Jumps (from 1.36).
 */
import { parseAddress } from '../../netfilter/address.ts';
import type { ProxiedEndpoint } from '../endpoints.ts';
import { letsNodeIn, sourceRanges } from './elements.ts';
import type { Generation } from './generation.ts';
import { prefixSet } from './intervals.ts';
import { chain, commented, rule, set, type Chain, type Container, type Rule } from './listing.ts';
import type { Json, Statement } from './objects.ts';
import { endpointNames, type EndpointNames, type Routes } from './routes.ts';
import { numberOf, type TableSettings } from './settings.ts';
import {
  dnatMap,
  dnatTo,
  drop,
  goto,
  is,
  isNot,
  jump,
  l4proto,
  payload,
  random,
  setMark,
  update,
  vmap,
} from './statements.ts';
import { fromLocal, wordsOf } from './words.ts';

export interface PortChains {
  readonly chains: readonly Chain[];
  readonly affinitySets: readonly Container[];
}

export function chainsOf(routes: Routes, settings: TableSettings, generation: Generation): PortChains {
  const { port, selection } = routes;
  const squashed = generation.stock === '1.36';
  const affine = port.affinitySeconds !== undefined;
  // From 1.36 on an endpoint has a chain of its own only where it has to remember clients.
  const named = squashed && !affine ? [] : selection.reachable.map((endpoint) => endpointNames(routes.base, endpoint));
  const byEndpoint = new Map(named.map((names) => [names.endpoint, names]));
  const namesOf = (endpoints: readonly ProxiedEndpoint[]) => endpoints.map((endpoint) => byEndpoint.get(endpoint)!);

  const balance = (endpoints: readonly ProxiedEndpoint[]): Rule[] =>
    squashed && !affine
      ? [balanceByDnat(routes, endpoints, settings, generation)]
      : balanceByJump(namesOf(endpoints), affine, settings);
  const policyChain = (name: string, endpoints: readonly ProxiedEndpoint[]): Chain =>
    chain(
      name,
      ...(!squashed && name === routes.internalChain ? masqueradeToClusterIP(routes, settings, generation) : []),
      ...balance(endpoints),
    );

  return {
    chains: [
      ...named.map((names) => endpointChain(names, routes, settings, generation)),
      ...(routes.usesCluster ? [policyChain(routes.clusterChain, selection.cluster)] : []),
      ...(routes.usesLocal ? [policyChain(routes.localChain, selection.local)] : []),
      ...(routes.usesExternal ? [externalChain(routes, settings, generation)] : []),
      ...(routes.usesFirewall ? [firewallChain(routes, settings, generation)].flat() : []),
    ],
    affinitySets: affine ? named.map((names) => affinitySet(names, routes, settings)) : [],
  };
}

/** Up to 1.35 each Service masquerades what comes to its cluster IP from elsewhere than a local pod. */
function masqueradeToClusterIP({ port }: Routes, settings: TableSettings, generation: Generation): Rule[] {
  const { masqueradeAll, localPods, family } = settings;
  if (!masqueradeAll && !localPods) return [];
  return [
    rule(
      is(wordsOf(family).daddr, port.clusterIP),
      ...(generation.masqueradeMatchesPort ? [is(payload(port.protocol, 'dport'), port.port)] : []),
      ...(masqueradeAll ? [] : [localPods!.isNotLocal]),
      jump('mark-for-masquerade'),
    ),
  ];
}

function balanceByJump(names: readonly EndpointNames[], affine: boolean, { family }: TableSettings): Rule[] {
  const { saddr } = wordsOf(family);
  return [
    ...(affine ? names.map((each) => rule(is(saddr, `@${each.affinitySet}`), goto(each.chain))) : []),
    rule(vmap(random(names.length), { set: names.map((each, i) => [i, goto(each.chain)]) })),
  ];
}

function balanceByDnat(
  { port }: Routes,
  endpoints: readonly ProxiedEndpoint[],
  { family }: TableSettings,
  generation: Generation,
): Rule {
  const protocol = is(l4proto, port.protocol);
  const [only] = endpoints;
  if (generation.plainSingleDnat && endpoints.length === 1) return rule(protocol, dnatTo(only!.ip, only!.port));
  const entries: Json = endpoints.map((endpoint, i) => [i, { concat: [endpoint.ip, endpoint.port] }]);
  return rule(protocol, dnatMap(family, random(endpoints.length), { set: entries }));
}

function endpointChain(names: EndpointNames, { port }: Routes, settings: TableSettings, generation: Generation): Chain {
  const { saddr } = wordsOf(settings.family);
  const { ip, port: number } = names.endpoint;
  return chain(
    names.chain,
    // A connection to itself (hairpin).
    ...(generation.stock === '1.36' ? [] : [rule(is(saddr, ip), jump('mark-for-masquerade'))]),
    ...(port.affinitySeconds === undefined ? [] : [rule(update(`@${names.affinitySet}`, saddr))]),
    rule(is(l4proto, port.protocol), dnatTo(ip, number)),
  );
}

function affinitySet(names: EndpointNames, { port }: Routes, { family }: TableSettings): Container {
  return {
    ...set(names.affinitySet, wordsOf(family).address),
    size: 65535,
    // Made with `flags dynamic,timeout`; nft's JSON leaves the first out.
    flags: ['timeout'],
    timeout: port.affinitySeconds!,
  };
}

function externalChain(routes: Routes, settings: TableSettings, generation: Generation): Chain {
  const { clusterChain, externalPolicyChain } = routes;
  const { localPods, mark } = settings;
  const squashed = generation.stock === '1.36';
  const masqueraded: Statement = squashed ? setMark(mark) : jump('mark-for-masquerade');
  const last = externalPolicyChain === undefined ? [] : [rule(goto(externalPolicyChain))];
  if (!routes.port.externalPolicyLocal)
    return chain(routes.externalChain, squashed ? commented('masquerade', masqueraded) : rule(masqueraded), ...last);
  return chain(
    routes.externalChain,
    ...(localPods ? [commented('short-circuit pod traffic', localPods.isLocal, goto(clusterChain))] : []),
    commented('masquerade local traffic', fromLocal, masqueraded),
    commented('short-circuit local traffic', fromLocal, goto(clusterChain)),
    ...last,
  );
}

function firewallChain(
  { port, firewallChain: name }: Routes,
  settings: TableSettings,
  generation: Generation,
): Chain[] {
  if (generation.stock === '1.29') return [];
  const { saddr, family } = wordsOf(settings.family);
  const ranges = sourceRanges(port.sourceRanges);
  const bits = numberOf(family) === 4 ? 32 : 128;
  const own = letsNodeIn(ranges, settings)
    ? port.loadBalancerIPs.map((address) => ({ ...parseAddress(address)!, length: bits }))
    : [];
  return [chain(name, rule(isNot(saddr, prefixSet([...ranges, ...own])), drop))];
}
