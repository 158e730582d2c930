/**
 * Random clusters judged by real kube-proxies: what was computed for a node is what its kube-proxy wrote, line for line.
 * SEEDS=20 looks at more of them, FIRST=4 begins with the fourth; RELEASES=v1.33.13,v1.22.17 at other kube-proxies (each is built on first use).
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { memoryFiles } from '../kubernetes/memory-files.ts';
import type { DumpName } from '../../src/kubernetes/source.ts';
import { startRig, type ProxyOptions, type Rig } from '../cluster/rig.ts';
import { randomCluster } from '../kubeproxy/random-cluster.ts';
import { change } from './changes.ts';
import { apply, record } from './cluster.ts';
import { judge } from './judge.ts';

const FIRST = Number(process.env['FIRST'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 3);
const SERVICES = 200;
const CHANGES = 30;
const IPTABLES: readonly DumpName[] = [
  'iptables-save.txt',
  'ip6tables-save.txt',
  'iptables-version.txt',
  'addresses.json',
];
const RELEASES = process.env['RELEASES']?.split(',') ?? [undefined];

let rig: Promise<Rig> | undefined;
after(async () => (await rig)?.down());

async function proxies(options: ProxyOptions): Promise<Rig> {
  if (rig) await (await rig).proxies(options);
  // A name and a port of its own, so that two runs on one machine leave each other alone.
  else rig = freePort().then((port) => startRig({ prefix: `drift-${process.pid}`, port, ...options }));
  return rig;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** kube-proxy gets so long to write what the API server holds, in milliseconds: on a busy machine it needs it. */
const PATIENCE = 60_000;

/** Records and compares until all is equal or patience ends. */
async function compare(cluster: Rig, dumps: readonly DumpName[], name: string, enough: number): Promise<void> {
  const start = performance.now();
  for (;;) {
    await cluster.settled();
    const { differences, compared, withoutZone, refused } = await judge(
      memoryFiles(await record(cluster, dumps)),
      name,
    );
    if (differences.length === 0) {
      if (withoutZone.length > 0) console.log(`${name}: kube-proxy missed the zone of ${withoutZone.join(', ')}`);
      assert.ok(compared > enough || refused !== undefined, `${compared} lines were compared`);
      return;
    }
    if (performance.now() - start > PATIENCE) assert.fail(differences.join('\n'));
  }
}

/** In turns, so that three seeds meet iptables' two backends and several ways to tell pods from others. */
const WAYS: readonly ProxyOptions[] = [
  { backend: 'nft' },
  { backend: 'legacy', clusterCIDR: '', masqueradeAll: true },
  {
    backend: 'nft',
    clusterCIDR: '',
    configuration: 'detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: veth}',
  },
  { backend: 'legacy', clusterCIDR: '' },
  { backend: 'nft', configuration: 'detectLocalMode: NodeCIDR\nnodePortAddresses: [172.18.0.0/16, "fd00:18::/64"]' },
  { backend: 'legacy', configuration: 'detectLocalMode: BridgeInterface\ndetectLocal: {bridgeInterface: cni0}' },
];

for (const version of RELEASES)
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const way = WAYS[(seed - 1) % WAYS.length]!;
    const named = `kube-proxy ${version ?? 'v1.37.2'}, seed ${seed}`;
    test(`${named}: iptables' rules of ${SERVICES} random Services are those computed, at first and after changes`, async () => {
      const cluster = await proxies({ ...way, ...(version ? { version } : {}) });
      // kube-proxy runs while the objects come and change: what it writes bit by bit must be what it would write at once.
      await apply(cluster, randomCluster(seed, SERVICES));
      await compare(cluster, IPTABLES, named, 3000);
      const made = await change(cluster, seed, CHANGES);
      assert.ok(made > CHANGES / 2, `${made} changes were made`);
      await compare(cluster, IPTABLES, named, 2000);
    });
    if (version === undefined || Number(version.split('.')[1]) >= 29)
      test(`${named}: nftables' table of ${SERVICES} random Services is the one computed`, async () => {
        const { clusterCIDR, configuration } = way;
        const alpha = version?.startsWith('v1.29.') || version?.startsWith('v1.30.');
        const gate = alpha ? 'featureGates: {NFTablesProxyMode: true}' : '';
        const cluster = await proxies({
          mode: 'nftables',
          ...(clusterCIDR === undefined ? {} : { clusterCIDR }),
          configuration: [configuration, gate].filter(Boolean).join('\n'),
          ...(version ? { version } : {}),
        });
        await compare(cluster, ['nft.json', 'addresses.json'], named, 1000);
      });
  }
