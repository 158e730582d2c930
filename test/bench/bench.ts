/**
 * npm run bench: what reading and tracing cost, as ratios within this run, since machines differ. The kernel's own reader,
 * iptables-legacy-restore --test, is the yardstick (root; without it only our own times are printed).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parseAddress, parsePrefix } from '../../src/netfilter/address.ts';
import type { NodeNetwork, PacketCase } from '../../src/netfilter/outcome.ts';
import { programOf, programSlices, type DumpText } from '../../src/netfilter/program-of.ts';
import type { Program } from '../../src/netfilter/program.ts';
import { readProgram } from '../../src/netfilter/read-program.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { clusterDump } from './cluster.ts';
import { nftClusterJson, nftText } from './nft-cluster.ts';

const NETWORK: NodeNetwork = {
  interfaces: ['eth0'],
  addresses: [{ address: parseAddress('172.18.0.2')!, length: 16, interface: 'eth0' }],
  routes: [{ prefix: parsePrefix('0.0.0.0/0')!, interface: 'eth0' }],
};

function packetTo(service: number): PacketCase {
  const vip = `10.${96 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}`;
  return {
    in: 'eth0',
    source: parseAddress('203.0.113.9')!,
    destination: parseAddress(vip)!,
    protocol: 'tcp',
    destinationPort: 80,
  };
}

const ms = (time: number): string => `${time.toFixed(time < 10 ? 1 : 0)} ms`;

/** The best of so many runs, in milliseconds. */
function best(runs: number, work: () => void): number {
  let least = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** How long the event loop of an editor waits while a dump is read in slices, and then for the first trace: the longest of each, the best of three. */
async function stalls(dump: DumpText): Promise<string> {
  let [slice, wait, first] = [Infinity, Infinity, Infinity];
  for (let run = 0; run < 3; run++) {
    let longest = 0;
    const slices = programSlices([dump]);
    for (let done: boolean | undefined = false; !done;) {
      const start = performance.now();
      ({ done } = slices.next());
      longest = Math.max(longest, performance.now() - start);
    }
    slice = Math.min(slice, longest);
    let last = performance.now();
    let [reading, waited] = [true, 0];
    const tick = (): void => {
      const now = performance.now();
      waited = Math.max(waited, now - last);
      last = now;
      if (reading) setImmediate(tick);
    };
    setImmediate(tick);
    const program: Program = await readProgram([dump]);
    reading = false;
    wait = Math.min(wait, waited);
    const start = performance.now();
    trace(program, NETWORK, packetTo(1));
    first = Math.min(first, performance.now() - start);
  }
  return `the longest slice ${ms(slice)}, others wait for ${ms(wait)} at most, then the first trace ${ms(first)}`;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is held, in bytes, after what is not has been given back (two rounds: the first ends what waits to be ended). */
async function heap(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

function kernelReads(file: string): number | undefined {
  const start = performance.now();
  const { status } = spawnSync('sh', ['-c', `unshare -n iptables-legacy-restore --test < '${file}'`]);
  return status === 0 ? performance.now() - start : undefined;
}

/** In one piece, with a byte for each character: as a text is that was read from a file. */
function asRead(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

function readAndTrace(text: string): number {
  return trace(programOf([{ name: 'iptables-save.txt', text }]), NETWORK, packetTo(1)).length;
}

for (const [services, runs] of [
  [2_500, 5],
  [25_000, 3],
] as const) {
  const file = path.join(os.tmpdir(), `service-traffic-bench-${process.pid}.txt`);
  writeFileSync(file, clusterDump(services, 10));
  try {
    const text = readFileSync(file, 'latin1');
    const lines = text.split('\n').length;
    const before = await heap();
    const program = programOf([{ name: 'iptables-save.txt', text }]);
    trace(program, NETWORK, packetTo(1));
    const used = ((await heap()) - before) / 2 ** 20;
    const ours = best(runs, () => readAndTrace(text));
    const kernel = kernelReads(file);
    console.log(
      `${services * 10} endpoints, ${lines} lines, ${(text.length / 2 ** 20).toFixed(0)} MB: reading to the first trace ${ms(ours)}` +
        (kernel === undefined
          ? ''
          : `, iptables-legacy-restore --test ${ms(kernel)}: ${(kernel / ours).toFixed(1)} times faster`) +
        `, ${used.toFixed(0)} MB above the text (${program.tables.length} tables)`,
    );
  } finally {
    rmSync(file, { force: true });
  }
}

for (const [services, chains] of [
  [2_500, false],
  [25_000, false],
  [25_000, true],
] as const) {
  const text = asRead(nftClusterJson(services, 10, chains));
  const runs = chains ? 3 : 5;
  const before = await heap();
  const program = programOf([{ name: 'nft.json', text }]);
  trace(program, NETWORK, packetTo(1));
  const used = ((await heap()) - before) / 2 ** 20;
  const parse = best(runs, () => JSON.parse(text));
  const read = best(runs, () => programOf([{ name: 'nft.json', text }]));
  const traced = best(runs, () => trace(programOf([{ name: 'nft.json', text }]), NETWORK, packetTo(1)));
  const times = (time: number): string => `${(time / parse).toFixed(2)} times JSON.parse alone (${ms(parse)})`;
  console.log(
    `${services * 10} endpoints${chains ? ' with chains of their own' : ''}, ${(text.length / 2 ** 20).toFixed(0)} MB of nft's JSON: reading ${times(read)}, to the first trace ${times(traced)}, ${used.toFixed(0)} MB above the text (${program.tables.length} tables)`,
  );
}

{
  const json = nftClusterJson(25_000, 10, true);
  for (const { what, name, make } of [
    { what: 'iptables-save', name: 'iptables-save.txt', make: () => clusterDump(25_000, 10) },
    { what: "nft's JSON", name: 'nft.json', make: () => json },
    { what: "nft's text", name: 'nft.txt', make: () => nftText(json) },
  ]) {
    const text = asRead(make());
    const told = await stalls({ name, text });
    console.log(`250000 endpoints, ${(text.length / 2 ** 20).toFixed(0)} MB of ${what} in slices: ${told}`);
  }
}

let nftFirst: number | undefined;
for (const services of [100, 1_000, 10_000]) {
  const program = programOf([{ name: 'nft.json', text: nftClusterJson(services, 3) }]);
  const chosen = Array.from({ length: 50 }, (_, i) => Math.floor((i * services) / 50));
  const once = (): void => {
    for (const service of chosen) trace(program, NETWORK, packetTo(service));
  };
  for (let i = 0; i < 20; i++) once();
  const each = (best(40, once) / chosen.length) * 1000;
  nftFirst ??= each;
  console.log(
    `${services} Services in nftables: a warm trace ${each.toFixed(1)} µs, ${(each / nftFirst).toFixed(2)} times that of 100`,
  );
}

let first: number | undefined;
for (const services of [100, 1_000, 10_000]) {
  const program = programOf([{ name: 'iptables-save.txt', text: clusterDump(services, 3) }]);
  const chosen = Array.from({ length: 50 }, (_, i) => Math.floor((i * services) / 50));
  const once = (): void => {
    for (const service of chosen) trace(program, NETWORK, packetTo(service));
  };
  for (let i = 0; i < 20; i++) once();
  const each = (best(40, once) / chosen.length) * 1000;
  first ??= each;
  console.log(
    `${services} Services: a warm trace ${each.toFixed(1)} µs, ${(each / first).toFixed(2)} times that of 100`,
  );
}
