/**
 * Records a random cluster: node test/drift/record.ts OUT.zip SEED SERVICES RELEASE [nft|legacy|nftables] [lines of KubeProxyConfiguration]
 * RELEASE is such as v1.33.13. test/recordings-random holds such recordings.
 */
import { writeFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { memoryFiles } from '../kubernetes/memory-files.ts';
import { startRig } from '../cluster/rig.ts';
import { randomCluster } from '../kubeproxy/random-cluster.ts';
import { apply, record } from './cluster.ts';
import { judge } from './judge.ts';

const [out, seed, services, version, way = 'nft', configuration] = process.argv.slice(2);
if (out === undefined || version === undefined)
  throw new Error('Usage: record.ts OUT.zip SEED SERVICES RELEASE [nft|legacy|nftables] [YAML]');
const rig = await startRig({
  prefix: `record-${process.pid}`,
  port: 20000 + (process.pid % 10000),
  version,
  ...(way === 'nftables' ? { mode: way } : { backend: way === 'legacy' ? 'legacy' : 'nft' }),
  ...(configuration === undefined ? {} : { configuration }),
});
try {
  await apply(rig, randomCluster(Number(seed), Number(services)));
  for (let i = 0; i < 4; i++) await rig.settled();
  const files = await record(
    rig,
    way === 'nftables'
      ? ['nft.json', 'addresses.json']
      : ['iptables-save.txt', 'ip6tables-save.txt', 'iptables-version.txt'],
  );
  writeFileSync(out, zipSync(Object.fromEntries(files), { level: 9 }));
  const { differences, compared, withoutZone } = await judge(memoryFiles(files), out);
  console.log(
    `${out}: ${compared} lines, ${differences.length + withoutZone.length === 0 ? 'all as computed' : `not as computed:\n${[...differences, ...withoutZone.map((node) => `${node} as if it had no zone`)].join('\n')}`}`,
  );
} finally {
  await rig.down();
}
