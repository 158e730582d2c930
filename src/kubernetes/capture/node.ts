/** What one node's kernel holds, read by commands in its kube-proxy pod. Reads only. */
import { DUMP_COMMANDS, isComplete, isForReading } from '../dump.ts';
import type { ClusterObjects } from '../objects.ts';
import type { Dump, DumpName, NodeCapture, Problem } from '../source.ts';
import type { Connection } from '../live/connection.ts';
import { Trouble } from '../live/trouble.ts';
import { execute, isMissing, type Executed, type Target } from './exec.ts';
import { kubeProxyOn } from './kube-proxy-pod.ts';
import { metricsAddress, readMetrics, type LastWay } from './metrics.ts';
import { getByPortForward } from './port-forward.ts';

/** Runs a command in the node's pod; a test may give another. Rejects as `execute` does. */
export type Run = (command: readonly string[], signal?: AbortSignal) => Promise<Executed>;

/** Commands of one node that run at the same time. */
const AT_ONCE = 3;

/** So long the rules, when they are here, give the metrics that were asked for beside them. Milliseconds. */
const METRICS_GRACE = 250;

/** The way in is asked with this first: it is small, and says which backend the others speak for. */
const FIRST: DumpName = 'iptables-version.txt';

const MAIN: readonly DumpName[] = ['iptables-save.txt', 'ip6tables-save.txt', 'nft.json', 'nft.txt', 'ipset-save.txt'];

/** kube-proxy's image has no ip, but cat; the kernel prints the rest. */
const NETWORK: readonly DumpName[] = ['fib_trie.txt', 'route.txt', 'if_inet6.txt', 'ipv6_route.txt'];

const LEGACY: readonly DumpName[] = ['iptables-legacy-save.txt', 'ip6tables-legacy-save.txt'];
const NFT: readonly DumpName[] = ['iptables-nft-save.txt', 'ip6tables-nft-save.txt'];

/**
 * Never rejects. A Problem where nothing could be had; in the capture are the problems of single dumps.
 *
 * @param progress how many of how many dumps are here
 */
export async function captureNode(
  connection: Connection,
  objects: ClusterObjects,
  node: string,
  signal: AbortSignal,
  progress: (done: number, of: number) => void,
): Promise<NodeCapture | Problem> {
  const target = kubeProxyOn(node, objects);
  if ('code' in target) return target;
  const run: Run = (command, own = signal) => execute(connection, target, command, { signal: own });
  const last = lastWays.get(connection) ?? { way: 0 };
  lastWays.set(connection, last);
  const forward = (port: number, path: string, own: AbortSignal): Promise<string> =>
    getByPortForward(connection, target, port, path, own);
  const at = metricsAddress(objects, target.pod);
  return captureBy(run, target, node, signal, progress, (late) => readMetrics({ run, forward }, at, late, last));
}

const lastWays = new WeakMap<Connection, LastWay>();

export async function captureBy(
  run: Run,
  target: Target,
  node: string,
  signal: AbortSignal,
  progress: (done: number, of: number) => void,
  askMetrics: (signal: AbortSignal) => Promise<Dump | undefined> = (late) =>
    readMetrics({ run }, '127.0.0.1:10249', late),
): Promise<NodeCapture | Problem> {
  const pod = `${target.namespace}/${target.pod}`;
  const read = new Map<DumpName, Reading>();
  const one = async (name: DumpName): Promise<void> => void read.set(name, await attempt(run, name, pod, node));
  await one(FIRST);
  const first = read.get(FIRST)!;
  // Not let in, or no connection: none of the others would fare better.
  if (signal.aborted) return cancelled(node);
  if (first.kind === 'trouble' && first.unreached) return first.problem;
  const version = first.kind === 'dump' ? first.dump.text : '';
  const names = [
    ...MAIN,
    ...(version.includes('(legacy)') ? [] : LEGACY),
    ...(version.includes('(nf_tables)') ? [] : NFT),
    ...NETWORK,
  ];
  let done = 1;
  progress(done, names.length + 1);
  const queue = [...names];
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined && !signal.aborted; name = queue.shift()) {
      await one(name);
      progress(++done, names.length + 1);
    }
  };
  const late = new AbortController();
  const asked = askMetrics(AbortSignal.any([signal, late.signal]));
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (signal.aborted) return cancelled(node);
  // Asked at the same time as the rules, which do not wait for it.
  const timer = setTimeout(() => late.abort(), METRICS_GRACE);
  const metrics = await asked;
  clearTimeout(timer);

  const dumps = [...read.values()]
    .flatMap((reading) => (reading.kind === 'dump' ? [reading.dump] : []))
    .filter((dump) => kept(dump, read))
    .concat(metrics ?? [])
    // As a recording has them: by name.
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const problems = problemsOf(read, dumps, node, pod);
  const rules = dumps.filter((dump) => isForReading(dump.name) && !NETWORK.includes(dump.name));
  if (rules.length === 0 && problems[0]) return problems[0];
  return { node, at: Date.now(), pod, dumps, problems };
}

type Reading =
  | { readonly kind: 'dump'; readonly dump: Dump }
  | { readonly kind: 'missing' }
  /** `unreached`: the pod itself, not this command in it. */
  | { readonly kind: 'trouble'; readonly problem: Problem; readonly unreached?: boolean };

async function attempt(run: Run, name: DumpName, pod: string, node: string): Promise<Reading> {
  const command = DUMP_COMMANDS[name];
  const from = command.join(' ');
  const trouble = (message: string, advice: string, detail: string): Reading => ({
    kind: 'trouble',
    problem: { code: 'exec-failed', message, advice, detail },
  });
  try {
    const executed = await run(command);
    const { stdout, stderr, exitCode, message } = executed;
    if (exitCode === 0) return { kind: 'dump', dump: { name, text: stdout, from, complete: isComplete(name, stdout) } };
    if (isMissing(executed)) return { kind: 'missing' };
    const said = stderr.trim() || message;
    return trouble(
      `${from} failed on ${node}: ${said.split('\n')[0]}`,
      advise(said, pod),
      `${said}\n${message}`.trim(),
    );
  } catch (error) {
    if (error instanceof Trouble) return { kind: 'trouble', problem: error.problem, unreached: true };
    return trouble(`${from} failed on ${node}`, 'Try again.', error instanceof Error ? error.message : String(error));
  }
}

function advise(said: string, pod: string): string {
  if (/permission denied|operation not permitted|must be root/i.test(said))
    return `The container of ${pod} lacks the right to read the kernel's rules (CAP_NET_ADMIN); see its securityContext.`;
  if (/lock/i.test(said)) return 'Something else holds the lock of iptables; try again in a moment.';
  return `Try it by hand: kubectl -n ${pod.replace('/', ' exec ')} -- …`;
}

/**
 * The other backend's rules only where it holds any (a chain without rules changes no packet, unless its policy is to drop), and not a second
 * time what iptables-save itself speaks for.
 */
function kept(dump: Dump, read: ReadonlyMap<DumpName, Reading>): boolean {
  if (!LEGACY.includes(dump.name) && !NFT.includes(dump.name)) return true;
  if (dump.complete && !/^(\[\d+:\d+\] )?-A |^:\S+ DROP/m.test(dump.text)) return false;
  const main = read.get(dump.name.startsWith('ip6') ? 'ip6tables-save.txt' : 'iptables-save.txt');
  return main?.kind !== 'dump' || rulesAlone(main.dump.text) !== rulesAlone(dump.text);
}

/** Without comments and counters. */
function rulesAlone(text: string): string {
  return text.replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, '');
}

function problemsOf(
  read: ReadonlyMap<DumpName, Reading>,
  dumps: readonly Dump[],
  node: string,
  pod: string,
): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [name, reading] of read) {
    const required = name === 'iptables-save.txt' || name === 'ip6tables-save.txt';
    if (reading.kind === 'trouble' && !isCovered(name, dumps)) problems.push(reading.problem);
    if (reading.kind === 'dump' && !reading.dump.complete && dumps.includes(reading.dump))
      problems.push({
        code: 'truncated',
        message: `${reading.dump.from} on ${node} was cut off: its end is missing`,
        advice: 'Read the rules again; what is shown for this node may lack rules.',
      });
    // Without iptables the rules may still be nft's; without both there are none to see.
    if (
      reading.kind === 'missing' &&
      required &&
      !dumps.some((dump) => dump.name === 'nft.json' || dump.name === 'nft.txt')
    )
      problems.push(notThere(DUMP_COMMANDS[name][0]!, pod));
  }
  const nft = dumps.some((dump) => dump.name === 'nft.json' || dump.name === 'nft.txt');
  const programmed = dumps.some((dump) => dump.name.endsWith('save.txt') && dump.text.includes('KUBE-SERVICES'));
  if (!nft && !programmed && read.get('nft.json')?.kind === 'missing') problems.push(notThere('nft', pod));
  return problems;
}

/** Some builds of nft have no JSON (its text serves as well), and sets or the network are an addition. */
function isCovered(name: DumpName, dumps: readonly Dump[]): boolean {
  const has = (other: DumpName): boolean => dumps.some((dump) => dump.name === other && dump.complete);
  if (name === 'nft.json') return has('nft.txt');
  if (name === 'nft.txt') return has('nft.json');
  return name === 'iptables-version.txt';
}

function notThere(command: string, pod: string): Problem {
  return {
    code: 'command-missing',
    message: `There is no ${command} in ${pod}: the rules that it shows are not known`,
    advice: `Log in to the node, save the output of ${command} there and open it as a recording.`,
  };
}

function cancelled(node: string): Problem {
  return {
    code: 'cancelled',
    message: `Reading the rules of ${node} was cancelled`,
    advice: 'Start it again when you like.',
  };
}
