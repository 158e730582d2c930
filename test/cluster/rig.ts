/**
 * A real cluster for tests: etcd, API server, controllers, scheduler and, in a network namespace for each node, a real kube-proxy; only the
 * kubelets are played, and run the commands of an exec on their node. Root on Linux, and Go to build it with (once; the binaries stay in .cache).
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { commandPath, ensurePackages } from '../../scripts/machine.ts';

const run = promisify(execFile);
const scripts = path.join(import.meta.dirname, 'rig');
const binaries = path.resolve(import.meta.dirname, '../../.cache/cluster');

export interface ProxyOptions {
  /** A release such as "v1.33.13", built on first use; the rig's own (v1.37.2) without. */
  readonly version?: string;
  /** "iptables" without. */
  readonly mode?: 'iptables' | 'nftables';
  /** The backend of iptables; "nft" without. */
  readonly backend?: 'nft' | 'legacy';
  /** "10.244.0.0/16,fd00:10:244::/56" without; may be empty. */
  readonly clusterCIDR?: string;
  readonly masqueradeAll?: boolean;
  /** Lines of YAML for KubeProxyConfiguration. */
  readonly configuration?: string;
}

export interface RigOptions extends ProxyOptions {
  /** 3 without. */
  readonly nodes?: number;
  /** What the names of the network namespaces begin with: one of its own for each test file. */
  readonly prefix: string;
  /** A free port on loopback, where the API server answers. */
  readonly port: number;
  readonly apiServerFlags?: string;
}

/** `reader` has no rights until a test gives it docs/clusterrole.yaml; `viewer` has the role view; `nobody` has none at all. */
export type RigUser = 'admin' | 'viewer' | 'reader' | 'nobody';

export interface Rig {
  readonly kubeconfigs: Readonly<Record<RigUser, string>>;
  /** Kubeconfigs and logs; gone with the rig. */
  readonly folder: string;
  readonly nodes: readonly string[];
  /** Its standard output. Rejects with kubectl's own words. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Runs a command in a node's network namespace. */
  onNode(node: string, command: readonly string[]): Promise<string>;
  /** One process, such as kube-apiserver or kube-proxy-node-2. */
  stop(part: string): Promise<void>;
  start(part: string): Promise<void>;
  /** That node's rules stay as they are from now on. */
  stopProxy(node: string): Promise<void>;
  /** Other kube-proxies on all nodes, which begin with an empty kernel. */
  proxies(options: ProxyOptions): Promise<void>;
  /** Waits until every running kube-proxy has had time to program what the API server holds now. */
  settled(): Promise<void>;
  down(): Promise<void>;
}

/** Why there can be no rig here, in words; undefined where there can. */
export function whyNoRig(): string | undefined {
  let why: string | undefined;
  if (process.platform !== 'linux') why = 'the cluster needs Linux network namespaces';
  else if (process.getuid?.() !== 0)
    why = 'the cluster needs root for its network namespaces: sudo npm run test:cluster';
  else
    try {
      ensurePackages(['iptables', 'nftables', 'ipset', 'conntrack', 'iproute2', 'openssl'], 'The test cluster');
      if (!goPath()) ensurePackages(['golang-go'], 'The test cluster, which is built from source,');
      why = oldGo();
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
  return why;
}

/** Go 1.21 and later fetch the release that go.mod asks for by themselves. */
function goPath(): string | undefined {
  return (
    commandPath('go') ??
    (spawnSync('/usr/local/go/bin/go', ['version']).status === 0 ? '/usr/local/go/bin/go' : undefined)
  );
}

/** A port of loopback that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** In words, where the Go here is from before it could do that. */
function oldGo(): string | undefined {
  const version = spawnSync(goPath() ?? 'go', ['version'], { encoding: 'utf8' }).stdout.trim();
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? [];
  if (Number(major) > 1 || Number(minor) >= 21) return undefined;
  return `the cluster is built with Go 1.21 or newer, and there is ${version || 'none'}: install a newer one, first on PATH`;
}

/** Builds what is missing and gives the path of the all-in-one binary. */
export async function buildRig(...versions: readonly string[]): Promise<string> {
  const go = goPath();
  if (!go) throw new Error('Go is needed to build the test cluster, and is not on PATH');
  const env = { ...process.env, PATH: `${path.dirname(go)}:${process.env['PATH'] ?? ''}`, GOTOOLCHAIN: 'auto' };
  await script('build.sh', [binaries, ...versions], env);
  return path.join(binaries, 'kube');
}

/** Up in about 12 s once it is built. Ends with the process at the latest. Rejects where there can be no rig. */
export async function startRig(options: RigOptions): Promise<Rig> {
  const why = whyNoRig();
  if (why !== undefined) throw new Error(why);
  const kube = await buildRig(...(options.version ? [options.version] : []));
  const folder = mkdtempSync(path.join(os.tmpdir(), `${options.prefix}-`));
  const base = { ...process.env, KUBE: kube, PREFIX: options.prefix, PORT: String(options.port) };
  const nodes = Array.from({ length: options.nodes ?? 3 }, (_, i) => `node-${i + 1}`);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const atExit = (): void => {
    spawnSync(path.join(scripts, 'down.sh'), [folder], { env: base });
    remove();
  };
  process.once('exit', atExit);
  const kubeconfig = (user: RigUser): string => path.join(folder, `${user}.kubeconfig`);
  const kubectl = async (args: readonly string[], stdin?: string): Promise<string> => {
    const child = run(kube, ['kubectl', ...args], {
      env: { ...base, KUBECONFIG: kubeconfig('admin') },
      maxBuffer: 1 << 28,
    });
    // A kubectl that ends before it has read this says why by itself.
    child.child.stdin?.on('error', () => undefined).end(stdin ?? '');
    return (await child).stdout;
  };
  await script('up.sh', [folder, String(nodes.length)], {
    ...base,
    ...proxyEnvironment(options),
    NODE_VERSION: options.version ?? 'v1.37.2',
    APISERVER_FLAGS: options.apiServerFlags ?? '',
  });
  return {
    folder,
    nodes,
    kubectl,
    kubeconfigs: {
      admin: kubeconfig('admin'),
      viewer: kubeconfig('viewer'),
      reader: kubeconfig('reader'),
      nobody: kubeconfig('nobody'),
    },
    onNode: async (node, command) =>
      (await run('ip', ['netns', 'exec', `${options.prefix}-${node}`, ...command], { maxBuffer: 1 << 28 })).stdout,
    stop: (part) => script('part.sh', [folder, 'stop', part], base),
    start: (part) => script('part.sh', [folder, 'start', part], base),
    stopProxy: (node) => script('part.sh', [folder, 'stop', `kube-proxy-${node}`], base),
    proxies: async (proxy) => {
      await buildRig(...(proxy.version ? [proxy.version] : []));
      await script('kube-proxy.sh', [folder, 'start'], { ...base, ...proxyEnvironment(proxy) });
    },
    // kube-proxy syncs at once and then at most every second (minSyncPeriod of the rig's configuration).
    settled: () => new Promise((resolve) => setTimeout(resolve, 3000)),
    down: async () => {
      process.removeListener('exit', atExit);
      await script('down.sh', [folder], base);
      remove();
    },
  };
}

function proxyEnvironment(options: ProxyOptions): Record<string, string> {
  const { version, mode, backend, clusterCIDR, masqueradeAll, configuration } = options;
  const minor = Number(version?.split('.')[1] ?? 37);
  return {
    ...(version ? { KUBE_PROXY: path.join(binaries, `kube-proxy-${version}`), PROXY_VERSION: version } : {}),
    ...(mode ? { PROXY_MODE: mode } : {}),
    ...(backend ? { IPTABLES: backend } : {}),
    ...(clusterCIDR === undefined ? {} : { CLUSTER_CIDR: clusterCIDR }),
    ...(masqueradeAll ? { MASQUERADE_ALL: 'true' } : {}),
    ...(configuration ? { EXTRA_CONFIG: configuration } : {}),
    ...(minor < 29 ? { VERBOSITY: '' } : {}),
  };
}

/** Rejects with the script's own words. */
async function script(name: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  await run(path.join(scripts, name), args, { env, maxBuffer: 1 << 26 }).catch((error: { stderr?: string }) => {
    throw new Error(`${name} failed:\n${error.stderr ?? String(error)}`);
  });
}
