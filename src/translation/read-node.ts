/** From what was read of a node to a node that packets can be followed through. */
import { formatRelease, releaseOf } from '../kubeproxy/version.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { NodeCapture, NodeRules } from '../kubernetes/source.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { programOf } from '../netfilter/program-of.ts';
import type { Program } from '../netfilter/program.ts';
import { trace } from '../netfilter/trace.ts';
import { expectedTrace } from './expected-trace.ts';
import type { Trace } from './expected-trace.ts';
import { nodeNetwork } from './network.ts';
import type { ServiceStory } from './story.ts';
import { packetKey } from './traced-node.ts';
import type { TracedNode } from './traced-node.ts';

const programs = new WeakMap<NodeCapture, Program>();
const nodes = new WeakMap<NodeCapture, { readonly node: TracedNode; readonly of: readonly unknown[] }>();

/** The capture's rules in one form, read once. */
export function programIn(capture: NodeCapture): Program {
  let program = programs.get(capture);
  if (!program) programs.set(capture, (program = programOf(capture.dumps)));
  return program;
}

/** Never throws. While a node is being read again, or failed to be, what was read earlier still counts. */
export function tracedNode(name: string, rules: NodeRules, objects: ClusterObjects): TracedNode {
  switch (rules.kind) {
    case 'none':
      return { kind: 'unread', name, why: 'not read yet' };
    case 'capturing':
      return rules.earlier
        ? captured(name, rules.earlier, objects)
        : { kind: 'unread', name, why: `being read, ${rules.done} of ${rules.of}` };
    case 'failed':
      return rules.earlier
        ? captured(name, rules.earlier, objects)
        : { kind: 'unread', name, why: rules.problem.message, advice: rules.problem.advice };
    case 'captured':
      return captured(name, rules.capture, objects);
  }
}

function captured(name: string, capture: NodeCapture, objects: ClusterObjects): TracedNode {
  // The network rests on Nodes, and on pods for which addresses are taken; outcomes stay as long as both do.
  const of = [objects.nodes, objects.pods, objects.endpointSlices];
  const before = nodes.get(capture);
  if (before && before.of.every((part, i) => part === of[i])) return before.node;
  const node = make(name, capture, objects, before?.node);
  nodes.set(capture, { node, of });
  return node;
}

function make(name: string, capture: NodeCapture, objects: ClusterObjects, before: TracedNode | undefined): TracedNode {
  const program = programIn(capture);
  if (program.tables.length === 0) {
    const [problem] = capture.problems;
    return {
      kind: 'unread',
      name,
      why: problem?.message ?? 'no rules in what was read',
      advice: problem?.advice ?? 'Read the rules again.',
    };
  }
  const { network } = nodeNetwork(name, objects, capture);
  if (before?.kind === 'read' && sameNetwork(before.network, network)) return before;
  const outcomes = new Map<string, readonly Outcome[]>();
  const mode = modeOf(program);
  // Remembered by the story: it is told anew where anything of its Service has changed.
  const expected = new WeakMap<ServiceStory, Trace | undefined>();
  return {
    kind: 'read',
    name,
    at: capture.at,
    network,
    mode,
    about: [modeWords(program, mode), `kube-proxy ${formatRelease(releaseOf(objects, name).value)}`].join(' · '),
    trace: (packet: PacketCase) => {
      const key = packetKey(packet);
      let known = outcomes.get(key);
      if (!known) outcomes.set(key, (known = trace(program, network, packet)));
      return known;
    },
    expected: (now, story) => {
      // Where nothing is kube-proxy's, something else does its work, and it would have written nothing.
      if (mode === 'none') return undefined;
      if (!expected.has(story)) expected.set(story, expectedTrace(now, story, capture, network));
      return expected.get(story);
    },
  };
}

function sameNetwork(a: unknown, b: unknown): boolean {
  const text = (network: unknown) =>
    JSON.stringify(network, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  return text(a) === text(b);
}

/** By whose chains are there: what kube-proxy is asked for and what it does may differ. */
function modeOf(program: Program): 'iptables' | 'nftables' | 'ipvs' | 'none' {
  if (program.tables.some((table) => table.engine === 'nftables' && table.name === 'kube-proxy')) return 'nftables';
  if ([...program.ipsets.keys()].some((name) => name.startsWith('KUBE-'))) return 'ipvs';
  return engineOf(program) ? 'iptables' : 'none';
}

function engineOf(program: Program): string | undefined {
  return program.tables.find((table) => table.name === 'nat' && (table.chains.get('KUBE-SERVICES')?.length ?? 0) > 0)
    ?.engine;
}

function modeWords(program: Program, mode: 'iptables' | 'nftables' | 'ipvs' | 'none'): string {
  if (mode === 'none') return 'no rules of kube-proxy';
  if (mode !== 'iptables') return mode;
  const engine = engineOf(program);
  return engine === 'iptables-nft' ? 'iptables (nft)' : engine === 'iptables-legacy' ? 'iptables (legacy)' : 'iptables';
}
