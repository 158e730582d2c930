/** From what was read of a node to a node that packets can be followed through. */
import { formatRelease, releaseOf } from '../kubeproxy/version.ts';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { Dump, NodeCapture, NodeRules } from '../kubernetes/source.ts';
import type { NodeNetwork, Outcome } from '../netfilter/outcome.ts';
import { programOf } from '../netfilter/program-of.ts';
import type { Program } from '../netfilter/program.ts';
import { readProgram } from '../netfilter/read-program.ts';
import type { InTurns } from '../netfilter/slices.ts';
import { trace } from '../netfilter/trace.ts';
import { expectedTrace } from './expected-trace.ts';
import type { Trace } from './expected-trace.ts';
import { gatewaysOf, isIpvs, nodeNetwork } from './network.ts';
import type { ServiceStory } from './story.ts';
import { packetKey } from './traced-node.ts';
import type { TracedNode } from './traced-node.ts';

/** So many packets' outcomes are kept of each node: with their paths, those of a whole big cluster fill gigabytes. */
const REMEMBERED = 200;

const programs = new WeakMap<NodeCapture, Program>();

/** Captures of more characters than this are read ahead, in slices, where an editor must not stall. */
const AT_ONCE = 1_000_000;

/** Whether asking for the capture's rules takes no time that anybody would notice. */
export function isQuick(capture: NodeCapture): boolean {
  return programs.has(capture) || capture.dumps.reduce((sum, { text }) => sum + text.length, 0) <= AT_ONCE;
}

/** Reads a capture's rules in slices, so that programIn has them. Rejects where the signal ends it, with the signal's reason. */
export async function readAhead(capture: NodeCapture, options: InTurns): Promise<void> {
  if (!programs.has(capture)) programs.set(capture, await readProgram(capture.dumps, options));
}

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
  if (!capture.dumps.some(holdsRules)) {
    const [problem] = capture.problems;
    return {
      kind: 'unread',
      name,
      why: problem?.message ?? 'no rules in what was read',
      advice: problem?.advice ?? 'Read the rules again.',
    };
  }
  // Hundreds of nodes are made anew with every change of a pod: what costs is computed for those that somebody asks.
  return {
    kind: 'read',
    name,
    at: capture.at,
    get network() {
      return followed(name, capture, objects).network;
    },
    get mode() {
      return modeOf(programIn(capture));
    },
    get about() {
      return [modeWords(programIn(capture)), `kube-proxy ${formatRelease(releaseOf(objects, name).value)}`].join(' · ');
    },
    trace: (packet) => followed(name, capture, objects).trace(packet),
    expected: (now, story) => {
      // Where nothing is kube-proxy's, something else does its work, and it would have written nothing.
      if (modeOf(programIn(capture)) === 'none') return undefined;
      const { network, expected } = followed(name, capture, objects);
      // Remembered by the story: it is told anew where anything of its Service has changed.
      if (!expected.has(story)) expected.set(story, expectedTrace(now, story, capture, network));
      return expected.get(story);
    },
  };
}

/** Without reading it: a dump of a big node takes its time. */
function holdsRules({ name, text }: Dump): boolean {
  if (name === 'nft.json') return text.includes('"table"');
  if (name === 'nft.txt') return /^table /m.test(text);
  return /^ip6?tables-/.test(name) && /^\*\w/m.test(text);
}

/** What is remembered of a capture while its node's network stays as it is. */
interface Followed {
  readonly of: readonly unknown[];
  readonly network: NodeNetwork;
  readonly trace: Trace;
  readonly expected: WeakMap<ServiceStory, Trace | undefined>;
}

const known = new WeakMap<NodeCapture, Followed>();

function followed(name: string, capture: NodeCapture, objects: ClusterObjects): Followed {
  const taken = gatewaysOf(name, objects).map((gateway) => gateway.taken);
  // The VIPs are addresses of a node in IPVS mode.
  const vips = isIpvs(capture) ? [objects.services] : [];
  const of = [objects.nodes, ...vips, ...taken];
  const before = known.get(capture);
  if (before?.of.length === of.length && before.of.every((part, i) => part === of[i])) return before;
  const program = programIn(capture);
  const { network } = nodeNetwork(name, objects, capture);
  const outcomes = new Map<string, readonly Outcome[]>();
  const now: Followed = {
    of,
    network,
    trace: (packet) => {
      const key = packetKey(packet);
      let found = outcomes.get(key);
      if (found) return found;
      const [oldest] = outcomes.size < REMEMBERED ? [] : outcomes.keys();
      if (oldest !== undefined) outcomes.delete(oldest);
      outcomes.set(key, (found = trace(program, network, packet)));
      return found;
    },
    expected: new WeakMap(),
  };
  known.set(capture, now);
  return now;
}

/** By whose chains are there: what kube-proxy is asked for and what it does may differ. */
function modeOf(program: Program): 'iptables' | 'nftables' | 'ipvs' | 'none' {
  if (program.tables.some((table) => table.engine === 'nftables' && table.name === 'kube-proxy')) return 'nftables';
  if ([...program.ipsets.keys()].some((name) => name.startsWith('KUBE-'))) return 'ipvs';
  return enginesOf(program).size > 0 ? 'iptables' : 'none';
}

/** More than one where an earlier backend's rules were left behind. */
function enginesOf(program: Program): ReadonlySet<string> {
  return new Set(
    program.tables
      .filter((table) => table.name === 'nat' && (table.chains.get('KUBE-SERVICES')?.length ?? 0) > 0)
      .map(({ engine }) => engine),
  );
}

function modeWords(program: Program): string {
  const mode = modeOf(program);
  if (mode === 'none') return 'no rules of kube-proxy';
  if (mode !== 'iptables') return mode;
  const engines = enginesOf(program);
  const backends = ['legacy', 'nft'].filter((backend) => engines.has(`iptables-${backend}`));
  return backends.length > 0 ? `iptables (${backends.join(' and ')})` : 'iptables';
}
