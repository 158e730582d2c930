/**
 * kube-proxy's own metrics: when it last wrote the rules, when it last learned of a change, how long that takes. It serves them on the node's
 * loopback, so that a program in its container has to ask; where there is none that can, there are no metrics.
 */
import type { ClusterObjects } from '../objects.ts';
import type { Dump } from '../source.ts';
import { isMissing, type Executed } from './exec.ts';

/** Where kube-proxy serves them unless metricsBindAddress says otherwise. */
const USUAL = '127.0.0.1:10249';

/** A hundred kilobytes over loopback: later than this there is no answer. Milliseconds. */
const METRICS_LIMIT = 2000;

/** The ways to a pod, as a capture has them; a test may give others. */
export interface Ways {
  /** Runs a command in it. */
  readonly run: (command: readonly string[], signal: AbortSignal) => Promise<Executed>;
  /** Asks a port of its loopback for a path over HTTP; rejects where that is not allowed, or there is no answer. */
  readonly forward?: (port: number, path: string, signal: AbortSignal) => Promise<string>;
}

/** Which of the ways led to metrics last, or is to be tried next: most nodes run the same image. */
export interface LastWay {
  way: number;
}

/** Never rejects. undefined where they cannot be had, which is nothing to complain of. @param at "127.0.0.1:10249" */
export async function readMetrics(
  ways: Ways,
  at: string,
  signal: AbortSignal,
  last?: LastWay,
): Promise<Dump | undefined> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(METRICS_LIMIT)]);
  const late = new Promise<never>((_, reject) => limited.addEventListener('abort', () => reject(limited.reason)));
  late.catch(() => undefined);
  const all = waysTo(at, ways);
  let way = last?.way ?? 0;
  // Over a slow connection there is no time for all of them: the next capture goes on where this one stopped.
  const pass = (): void => {
    way = (way + 1) % all.length;
    if (last) last.way = way;
  };
  try {
    for (let i = 0; i < all.length; i++) {
      const answer = await Promise.race([all[way]!(limited), late]);
      if (answer === 'missing') {
        pass();
        continue;
      }
      const text = ofInterest(answer.text);
      if (text === '') return undefined;
      if (last) last.way = way;
      return { name: 'metrics.txt', text, from: answer.from, complete: true };
    }
  } catch {
    // Too late, not allowed, or no connection: the rules' own commands say that.
    if (!limited.aborted) pass();
  }
  return undefined;
}

type Way = (signal: AbortSignal) => Promise<{ readonly from: string; readonly text: string } | 'missing'>;

/** curl and wget are in many providers' images, bash in the project's own up to 1.25; those since then have none of them, and are asked from outside. */
function waysTo(at: string, { run, forward }: Ways): readonly Way[] {
  const url = `http://${at}/metrics`;
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(at) ?? [];
  const commands = [
    ['curl', '-s', '--max-time', '2', url],
    ['wget', '-q', '-T', '2', '-O', '-', url],
    ['bash', '-c', `exec 3<>/dev/tcp/${host}/${port} && printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3`],
  ];
  const byCommand = commands.map((command): Way => async (signal) => {
    const answer = await run(command, signal);
    if (isMissing(answer)) return 'missing';
    return { from: command.join(' '), text: answer.exitCode === 0 ? answer.stdout : '' };
  });
  const byForward: Way = async (signal) => ({
    from: `GET ${url} by port-forward`,
    text: await forward!(Number(port), '/metrics', signal),
  });
  return forward ? [...byCommand, byForward] : byCommand;
}

/** Where kube-proxy was told to serve them, as it is reached on its node: by its ConfigMap, or by a flag of its pod. */
export function metricsAddress(objects: ClusterObjects, pod: string): string {
  const { containers = [] } = objects.pods.find(({ metadata }) => metadata.name === pod)?.spec ?? {};
  const flags = containers.flatMap(({ command = [], args = [] }) => [...command, ...args]).join('\n');
  const configured = Object.values(objects.kubeProxyConfig?.data ?? {}).join('\n');
  const told =
    /^--metrics-bind-address[=\n](\S+)$/m.exec(flags)?.[1] ??
    /^metricsBindAddress:[ \t]*["']?([^"'\s#]+)/m.exec(configured)?.[1] ??
    USUAL;
  const [, host = told, port = '10249'] = /^(.*?)(?::(\d+))$/.exec(told) ?? [];
  const bare = host.replace(/^\[|\]$/g, '');
  if (!/^[\da-fA-F.:]*$/.test(bare)) return USUAL;
  // Listening everywhere is listening on loopback, too.
  if (bare === '' || bare === '0.0.0.0' || bare === '::') return `127.0.0.1:${port}`;
  return bare.includes(':') ? `[${bare}]:${port}` : `${bare}:${port}`;
}

const NAMES = [
  'sync_proxy_rules_last_timestamp_seconds',
  'sync_proxy_rules_last_queued_timestamp_seconds',
  'sync_proxy_rules_duration_seconds_(?:sum|count)',
  'sync_proxy_rules_(?:endpoint|service)_changes_pending',
  'sync_proxy_rules_(?:iptables_restore|nftables_sync)_failures_total',
  'network_programming_duration_seconds_bucket',
];
const OF_INTEREST = new RegExp(`^kubeproxy_(?:${NAMES.join('|')})[ {]`);

/** The lines that are looked at, a hundredth of them all. Of a histogram's buckets those that hold something, and the last. */
export function ofInterest(text: string): string {
  let before = '';
  const kept = text.split(/\r?\n/).filter((line) => {
    if (!OF_INTEREST.test(line)) return false;
    const [, series, edge, count] = /^(.*_bucket\{.*?),?le="(.*?)"\} (\S+)$/.exec(line) ?? [];
    if (series === undefined) return true;
    const filled = `${series} ${count}`;
    const isNews = edge === '+Inf' || (count !== '0' && filled !== before);
    before = filled;
    return isNews;
  });
  return kept.map((line) => `${line}\n`).join('');
}
