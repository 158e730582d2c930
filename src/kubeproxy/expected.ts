/** What kube-proxy would have programmed on a node, in whatever mode it runs there: the one door to this station. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { Dump } from '../kubernetes/source.ts';
import type { Family } from '../netfilter/address.ts';
import { configurationOf, type Configuration, type ProxyMode } from './configuration.ts';
import { expectedIptables, iptablesText, type ExpectedIptables } from './iptables/expected.ts';
import { nodeFacts, type NodeFacts } from './node-facts.ts';
import { expectedNftables, type ExpectedNftables } from './nftables/expected.ts';
import { withoutCounters } from './counters.ts';
import { releaseByShape, type Shape } from './shapes.ts';
import { releaseOf, type KnownRelease } from './version.ts';

/** What was found out about a node's kube-proxy: all that its rules depend on besides Services and endpoints. */
export interface NodeProxy {
  readonly node: string;
  readonly release: KnownRelease;
  readonly configuration: Configuration;
  readonly facts: NodeFacts;
  /** What a user should know about how sure this is, in sentences. */
  readonly notes: readonly string[];
}

export type ExpectedRules =
  | {
      readonly mode: 'iptables';
      readonly proxy: NodeProxy;
      readonly families: Readonly<Record<Family, ExpectedIptables>>;
    }
  | { readonly mode: 'nftables'; readonly proxy: NodeProxy; readonly tables: ExpectedNftables }
  /** IPVS, userspace, Windows: nothing is computed. `problem` says so. */
  | {
      readonly mode: Exclude<ProxyMode, 'iptables' | 'nftables'>;
      readonly proxy: NodeProxy;
      readonly problem: string;
    };

interface KnownProxy {
  /** All that it was read from, besides the dumps. */
  readonly of: readonly unknown[];
  readonly proxy: NodeProxy;
}

const proxies = new WeakMap<readonly Dump[], KnownProxy>();

/**
 * What was found out about a node's kube-proxy: anew only where something that it is read from has changed.
 *
 * @param dumps what the node's kernel holds, as far as it was captured: read for what no object of the API says
 */
export function nodeProxy(objects: ClusterObjects, node: string, dumps: readonly Dump[] = []): NodeProxy {
  const { nodes, pods, kubeProxyConfig, kubeProxyByHand, serverVersion } = objects;
  const of = [node, nodes, pods, kubeProxyConfig, kubeProxyByHand, serverVersion];
  const known = proxies.get(dumps);
  if (known && of.every((part, i) => part === known.of[i])) return known.proxy;
  const proxy = readProxy(objects, node, dumps);
  proxies.set(dumps, { of, proxy });
  return proxy;
}

function readProxy(objects: ClusterObjects, node: string, dumps: readonly Dump[]): NodeProxy {
  const object = objects.nodes.find((candidate) => candidate.metadata.name === node);
  const { text, shape } = seen(dumps);
  const release = releaseOf(objects, node, text, shape);
  const found = configurationOf(objects, node, text);
  return {
    node,
    release,
    configuration: found.configuration,
    facts: nodeFacts(object, dumps),
    notes: [...(release.note === undefined ? [] : [release.note]), ...found.problems],
  };
}

/** Dumps are read once, however often the objects change: those of big nodes have 30 MB. */
const seenDumps = new WeakMap<readonly Dump[], { readonly text: string; readonly shape: Shape | undefined }>();

function seen(dumps: readonly Dump[]): { readonly text: string; readonly shape: Shape | undefined } {
  const known = seenDumps.get(dumps);
  if (known) return known;
  const of = (name: Dump['name']) => dumps.find((dump) => dump.name === name)?.text ?? '';
  const saves = withoutCounters(`${of('iptables-save.txt')}\n${of('ip6tables-save.txt')}`);
  const text = `${saves}\n${of('nft.txt') || of('nft.json')}`;
  const found = { text, shape: releaseByShape(text) };
  seenDumps.set(dumps, found);
  return found;
}

/** The rules of all Services, both families. */
export function expectedRules(objects: ClusterObjects, proxy: NodeProxy, dumps: readonly Dump[] = []): ExpectedRules {
  const { configuration, release, facts } = proxy;
  const mode = configuration.mode.value;
  if (mode === 'iptables') {
    const node = objects.nodes.find((candidate) => candidate.metadata.name === proxy.node);
    const of = (family: Family) =>
      expectedIptables(objects, { name: proxy.node, node, family, release: release.generation, configuration, facts });
    return { mode, proxy, families: { 4: of(4), 6: of(6) } };
  }
  if (mode === 'nftables') {
    const tables = expectedNftables(objects, proxy.node, configuration, release.generation, { dumps, facts });
    const refusals = tables.refusals.map(({ words }) => words);
    return { mode, proxy: { ...proxy, notes: [...new Set([...proxy.notes, ...refusals])] }, tables };
  }
  return { mode, proxy, problem: `kube-proxy's mode ${mode} is not computed: only iptables and nftables are.` };
}

/** As the node's own command prints it: iptables-save or ip6tables-save, `nft -j list ruleset`. undefined where nothing is computed. */
export function expectedText(expected: ExpectedRules, family: Family): string | undefined {
  if (expected.mode === 'iptables') return iptablesText(expected.families[family]);
  if (expected.mode !== 'nftables') return undefined;
  return `${JSON.stringify({ nftables: expected.tables.nftables }, undefined, 1)}\n`;
}
