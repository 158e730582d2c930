import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { Executed } from '../../src/kubernetes/capture/exec.ts';
import { kubeProxyOn } from '../../src/kubernetes/capture/kube-proxy-pod.ts';
import { metricsAddress } from '../../src/kubernetes/capture/metrics.ts';
import { captureBy, type Run } from '../../src/kubernetes/capture/node.ts';
import { Trouble } from '../../src/kubernetes/live/trouble.ts';
import type { Node, Pod } from '../../src/kubernetes/objects.ts';
import type { NodeCapture, Problem } from '../../src/kubernetes/source.ts';

const NODE = path.join(import.meta.dirname, '../recordings/1.37-iptables-both-backends/nodes/node-1');
const read = (name: string): string => readFileSync(path.join(NODE, name), 'utf8');
const done = (stdout: string): Executed => ({ stdout, stderr: '', exitCode: 0, message: '' });
const failed = (exitCode: number | undefined, stderr: string, message = ''): Executed => ({
  stdout: '',
  stderr,
  exitCode,
  message,
});
const absent = (name: string): Executed => failed(undefined, '', `exec: "${name}": executable file not found in $PATH`);

/** A node that answers as the recorded one; what a test gives comes first. */
function node(answers: Record<string, Executed | Error> = {}): Run {
  const recorded: Record<string, () => Executed> = {
    'iptables --version': () => done(read('iptables-version.txt')),
    'iptables-save': () => done(read('iptables-save.txt')),
    'ip6tables-save': () => done(read('ip6tables-save.txt')),
    'iptables-nft-save': () => done(read('iptables-nft-save.txt')),
    'ip6tables-nft-save': () => done('*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n'),
    'nft -j list ruleset': () => done(read('nft.json')),
    'nft list ruleset': () => done(read('nft.txt')),
  };
  return async (command) => {
    const words = command.join(' ');
    const given = answers[words] ?? recorded[words]?.() ?? absent(command[0]!);
    if (given instanceof Error) throw given;
    return given;
  };
}

const TARGET = { namespace: 'kube-system', pod: 'kube-proxy-x', container: 'kube-proxy' };

async function capture(run: Run): Promise<NodeCapture> {
  const result = await captureBy(run, TARGET, 'node-1', new AbortController().signal, () => undefined);
  assert.ok('dumps' in result, JSON.stringify(result));
  return result;
}

async function refused(run: Run): Promise<Problem> {
  const result = await captureBy(run, TARGET, 'node-1', new AbortController().signal, () => undefined);
  assert.ok('code' in result);
  return result;
}

const names = (result: NodeCapture): string[] => result.dumps.map((dump) => dump.name);

describe("a node's rules", () => {
  it('are those of both backends, of nft and the version, each with its command', async () => {
    const result = await capture(node());
    assert.deepEqual(names(result), [
      'ip6tables-save.txt',
      'iptables-nft-save.txt',
      'iptables-save.txt',
      'iptables-version.txt',
      'nft.json',
      'nft.txt',
    ]);
    assert.equal(result.pod, 'kube-system/kube-proxy-x');
    assert.equal(result.dumps.find((dump) => dump.name === 'nft.json')?.from, 'nft -j list ruleset');
    assert.ok(result.dumps.every((dump) => dump.complete));
    assert.deepEqual(result.problems, []);
    assert.ok(Math.abs(result.at - Date.now()) < 5000);
  });

  it('leave out the other backend where it holds no rule, but not where a policy drops', async () => {
    const empty = done('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n');
    const dropping = done('*filter\n:FORWARD DROP [0:0]\nCOMMIT\n');
    assert.ok(!names(await capture(node({ 'iptables-nft-save': empty }))).includes('iptables-nft-save.txt'));
    assert.ok(names(await capture(node({ 'iptables-nft-save': dropping }))).includes('iptables-nft-save.txt'));
  });

  it('ask the other backend than the one that iptables speaks for', async () => {
    for (const [version, other, own] of [
      ['iptables v1.8.9 (legacy)\n', 'iptables-nft-save', 'iptables-legacy-save'],
      ['iptables v1.8.9 (nf_tables)\n', 'iptables-legacy-save', 'iptables-nft-save'],
    ] as const) {
      const asked: string[] = [];
      const inner = node({ 'iptables --version': done(version) });
      await capture((command) => (asked.push(command[0]!), inner(command)));
      assert.ok(asked.includes(other) && !asked.includes(own), version);
    }
  });

  it('do without a second copy where iptables does not say which backend it speaks for', async () => {
    const save = done(
      read('iptables-save.txt')
        .replace(/^#.*\n/gm, '# at another time\n')
        .replaceAll('[0:0]', '[7:420]'),
    );
    const result = await capture(
      node({ 'iptables --version': failed(1, 'unknown option'), 'iptables-legacy-save': save }),
    );
    assert.ok(!names(result).includes('iptables-legacy-save.txt'));
    assert.ok(names(result).includes('iptables-nft-save.txt'));
  });

  it('are known by iptables alone where the image has no nft, as those before 1.29', async () => {
    const result = await capture(node({ 'nft -j list ruleset': absent('nft'), 'nft list ruleset': absent('nft') }));
    assert.deepEqual(result.problems, []);
  });

  it('name the missing nft where iptables shows no kube-proxy', async () => {
    const empty = done('*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n');
    const result = await capture(
      node({
        'iptables-save': empty,
        'ip6tables-save': empty,
        'iptables-nft-save': empty,
        'nft -j list ruleset': absent('nft'),
        'nft list ruleset': absent('nft'),
      }),
    );
    assert.deepEqual(
      result.problems.map((problem) => problem.code),
      ['command-missing'],
    );
    assert.match(result.problems[0]!.message, /There is no nft in kube-system\/kube-proxy-x/);
  });

  it('come as text from an nft that was built without JSON', async () => {
    const error = 'Error: JSON support not compiled-in';
    const result = await capture(node({ 'nft -j list ruleset': failed(1, error) }));
    assert.deepEqual(result.problems, []);
    assert.ok(names(result).includes('nft.txt') && !names(result).includes('nft.json'));
  });

  it('say which dump was cut off, and keep it', async () => {
    const save = read('iptables-save.txt');
    const result = await capture(
      node({
        'iptables-save': done(save.slice(0, save.lastIndexOf('COMMIT'))),
        'nft -j list ruleset': done(read('nft.json').slice(0, 5000)),
      }),
    );
    assert.deepEqual(
      result.problems.map((problem) => [problem.code, problem.message]),
      [
        ['truncated', 'iptables-save on node-1 was cut off: its end is missing'],
        ['truncated', 'nft -j list ruleset on node-1 was cut off: its end is missing'],
      ],
    );
    assert.deepEqual(
      result.dumps.filter((dump) => !dump.complete).map((dump) => dump.name),
      ['iptables-save.txt', 'nft.json'],
    );
  });

  it('keep what was read where one command fails, with its words', async () => {
    const result = await capture(
      node({ 'ip6tables-save': failed(1, 'ip6tables-save: Permission denied (you must be root)') }),
    );
    assert.deepEqual(names(result).includes('iptables-save.txt'), true);
    assert.match(result.problems[0]!.message, /ip6tables-save failed on node-1: .*Permission denied/);
    assert.match(result.problems[0]!.advice, /CAP_NET_ADMIN/);
  });

  it('are refused at once where nobody may execute there', async () => {
    const problem: Problem = { code: 'forbidden', message: 'You may not', advice: 'Ask' };
    let asked = 0;
    const result = await refused(async () => {
      asked++;
      throw new Trouble(problem);
    });
    assert.deepEqual(result, problem);
    assert.equal(asked, 1);
  });

  it('cannot be had where every command is missing', async () => {
    const result = await refused(async (command) => absent(command[0]!));
    assert.equal(result.code, 'command-missing');
    assert.match(result.message, /There is no iptables-save/);
  });

  it('are dropped when they are cancelled half-way', async () => {
    const abort = new AbortController();
    const inner = node();
    const seen: number[] = [];
    const result = await captureBy(inner, TARGET, 'node-1', abort.signal, (at) => {
      seen.push(at);
      if (at === 3) abort.abort();
    });
    assert.ok('code' in result && result.code === 'cancelled');
    assert.ok(Math.max(...seen) < 7);
  });
});

const pod = (name: string, labels: Record<string, string>, more: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace: 'kube-system', labels, ...more.metadata },
  spec: { nodeName: 'n', containers: [{ name: 'kube-proxy' }], ...more.spec },
  status: { phase: 'Running', ...more.status },
});
const bare = (labels: Record<string, string> = {}, kubeletVersion = 'v1.37.2'): Node => ({
  metadata: { name: 'n', labels },
  status: { nodeInfo: { kubeletVersion } },
});
const on = (pods: Pod[], nodes: Node[] = [bare()]) => kubeProxyOn('n', { nodes, pods });
const why = (pods: Pod[], nodes?: Node[]): string => {
  const found = on(pods, nodes);
  assert.ok('code' in found && found.code === 'no-kube-proxy-pod');
  return found.message;
};

describe("kube-proxy's metrics", () => {
  const printed = readFileSync(path.join(import.meta.dirname, 'metrics/1.37-iptables.txt'), 'utf8');
  const curl = 'curl -s --max-time 2 http://127.0.0.1:10249/metrics';
  const wget = 'wget -q -T 2 -O - http://127.0.0.1:10249/metrics';

  it('come with the rules, a few lines of them, by whatever program the image has', async () => {
    for (const command of [curl, wget]) {
      const result = await capture(node({ [command]: done(printed) }));
      const dump = result.dumps.find(({ name }) => name === 'metrics.txt');
      assert.equal(dump?.from, command);
      assert.match(dump.text, /^kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv4"\} 1\.79\d+e\+09$/m);
      assert.ok(dump.text.length < 2000 && !/^#|go_goroutines/m.test(dump.text));
      assert.deepEqual(result.problems, []);
    }
  });

  it('are asked for by bash where there is nothing else, with the headers of the answer left out', async () => {
    const run = node();
    const result = await capture((command) =>
      command[0] === 'bash'
        ? Promise.resolve(done(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${printed}`))
        : run(command),
    );
    const dump = result.dumps.find(({ name }) => name === 'metrics.txt');
    assert.ok(dump?.from.includes('/dev/tcp/127.0.0.1/10249'));
    assert.ok(!dump?.text.includes('HTTP/1.0'));
  });

  it('are missing without a word where nothing can ask, where nobody answers, and where something else does', async () => {
    for (const answer of [absent('curl'), failed(7, ''), done('<html>404</html>')]) {
      const result = await capture(node({ [curl]: answer }));
      assert.ok(!names(result).includes('metrics.txt'));
      assert.deepEqual(result.problems, []);
    }
  });

  it('are not waited for once the rules are here', async () => {
    const run = node();
    const start = performance.now();
    const result = await capture((command) => (command[0] === 'curl' ? new Promise(() => undefined) : run(command)));
    assert.ok(performance.now() - start < 1000);
    assert.ok(names(result).includes('iptables-save.txt') && !names(result).includes('metrics.txt'));
  });

  it('do not make a capture by themselves', async () => {
    const problem = await refused((command) =>
      Promise.resolve(command[0] === 'curl' ? done(printed) : absent(command[0]!)),
    );
    assert.equal(problem.code, 'command-missing');
  });

  it('are looked for where kube-proxy was told to serve them', () => {
    const objects = (config: string, ...args: string[]) => ({
      namespaces: [],
      services: [],
      endpointSlices: [],
      endpoints: [],
      nodes: [],
      pods: [{ metadata: { name: 'kube-proxy-x' }, spec: { containers: [{ name: 'kube-proxy', args }] } }],
      kubeProxyConfig: { metadata: { name: 'kube-proxy' }, data: { 'config.conf': config } },
    });
    for (const [config, args, expected] of [
      ['metricsBindAddress: ""\nmode: iptables', [], '127.0.0.1:10249'],
      ['metricsBindAddress: 0.0.0.0:10249', [], '127.0.0.1:10249'],
      ['metricsBindAddress: "[::]:9100"', [], '127.0.0.1:9100'],
      ['metricsBindAddress: "[::1]:9100"', [], '[::1]:9100'],
      ['metricsBindAddress: 127.0.0.1', [], '127.0.0.1:10249'],
      ['mode: iptables', ['--metrics-bind-address=0.0.0.0:8080'], '127.0.0.1:8080'],
      ['metricsBindAddress: $(rm -rf /):1', [], '127.0.0.1:10249'],
    ] as const)
      assert.equal(metricsAddress(objects(config, ...args), 'kube-proxy-x'), expected, config);
  });
});

describe('the kube-proxy pod of a node', () => {
  const proxy = { 'k8s-app': 'kube-proxy' };
  it('is the running one with its label, a static pod too', () => {
    const target = { namespace: 'kube-system', pod: 'p', container: 'kube-proxy' };
    assert.deepEqual(on([pod('other', {}), pod('p', proxy)]), target);
    assert.deepEqual(on([pod('p', { component: 'kube-proxy', tier: 'node' })]), target);
  });

  it('is not one that ends, waits or is on another node', () => {
    const elsewhere = pod('q', proxy, { spec: { nodeName: 'm' } });
    const ending = pod('p', proxy, {
      metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z', labels: proxy },
    });
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const waiting = pod('p', proxy, {
      status: { phase: 'Pending', containerStatuses: [{ name: 'kube-proxy', state }] },
    });
    assert.match(why([elsewhere, ending]), /kube-proxy’s pod p on n is not running \(Terminating\)/);
    assert.match(why([waiting]), /CrashLoopBackOff/);
    assert.match(why([elsewhere]), /No kube-proxy pod on n, though other nodes have one/);
  });

  it('is executed in by its own container where there are others', () => {
    const containers = [{ name: 'sidecar' }, { name: 'aws-kube-proxy' }];
    const found = on([pod('p', proxy, { spec: { nodeName: 'n', containers } })]);
    assert.ok('container' in found && found.container === 'aws-kube-proxy');
  });

  it('does not exist where something else does its work, which is named', () => {
    const any = pod('coredns', { 'k8s-app': 'kube-dns' });
    assert.match(why([any], [bare({}, 'v1.33.1+k3s1')]), /k3s runs kube-proxy inside its own process/);
    assert.match(why([any, pod('c', { 'k8s-app': 'cilium' })]), /Cilium/);
    assert.match(why([any], [bare({ 'kubernetes.io/os': 'windows' })]), /Windows/);
    assert.match(why([any], [bare({ 'eks.amazonaws.com/compute-type': 'fargate' })]), /virtual node/);
    assert.match(why([any]), /may run outside of the cluster’s pods/);
    assert.match(why([]), /no pods are known at all/);
  });
});
