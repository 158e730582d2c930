import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { formatPrefix } from '../../../src/netfilter/address.ts';
import { configurationOf, override } from '../../../src/kubeproxy/configuration.ts';
import { expectedNftables } from '../../../src/kubeproxy/nftables/expected.ts';
import { observe } from '../../../src/kubeproxy/nftables/observed.ts';
import { parseRelease } from '../../../src/kubeproxy/version.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import type { Dump } from '../../../src/kubernetes/source.ts';
import { asText, GOLDEN_CLUSTER } from './golden.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../../recordings');

const text = (text: string): Dump[] => [{ name: 'nft.txt', text, from: 'a test', complete: true }];

test('a listing as text betrays the same as one as JSON', async () => {
  for (const name of ['1.29-nftables', '1.33-nftables', '1.35-nftables', '1.37-nftables']) {
    const source = await openRecording(path.join(RECORDINGS, name));
    await source.capture(['node-2']);
    const rules = source.rules('node-2');
    assert.ok(rules.kind === 'captured');
    const only = (file: Dump['name']) =>
      [...observe(rules.capture.dumps.filter((dump) => dump.name === file))].map(([family, { held, ...rest }]) => {
        const service = family === 'ip' ? '10.96.0.1 . tcp . 443' : 'fd00:10:96::930 . tcp . 80';
        return {
          family,
          ...rest,
          service: held('service-ips', service),
          none: held('service-ips', '192.0.2.0 . tcp . 1'),
        };
      });
    assert.deepEqual(only('nft.txt'), only('nft.json'), name);
    assert.equal(only('nft.txt').length, 2);
    assert.match(only('nft.txt')[0]!.service!.verdict, /^goto service-/);
  }
});

test('the ServiceCIDRs of a node are those that its rule drops, also where nft lists several as one set or range', async () => {
  const source = await openRecording(path.join(RECORDINGS, '1.37-nftables'));
  await source.capture(['node-1']);
  const rules = source.rules('node-1');
  assert.ok(rules.kind === 'captured');
  const of = (listing: string) => observe(text(listing)).get('ip')!.serviceCIDRs.map(formatPrefix);
  const listing = rules.capture.dumps.find((dump) => dump.name === 'nft.txt')!.text;
  assert.deepEqual(of(listing), ['10.96.0.0/16']);
  const set = listing.replace(
    'ip daddr 10.96.0.0/16 drop',
    'ip daddr { 10.96.0.0/16, 10.112.0.0-10.113.127.255 } drop',
  );
  assert.deepEqual(of(set), ['10.96.0.0/16', '10.112.0.0/16', '10.113.0.0/17']);
  assert.deepEqual(of(listing.replace(/^.*unallocated.*$/m, '')), []);
});

test('a node of 1.29 whose chain forward has no rule lets TCP be liberal', () => {
  const table = (rule: string) => observe(text(`table ip kube-proxy {\n\tchain forward {\n${rule}\t}\n}\n`)).get('ip')!;
  assert.equal(table('').tcpBeLiberal, true);
  assert.equal(table('\t\tct state invalid drop\n').tcpBeLiberal, false);
});

test('a node without the table, or with a listing that is none, betrays nothing', () => {
  assert.equal(observe(text('table ip filter {\n}\n')).size, 0);
  assert.equal(observe(text('Operation not permitted')).size, 0);
  assert.equal(observe([]).size, 0);
});

test('an element goes on naming the Service that had its key before, and what two Services claim is held by the one in the listing', () => {
  const of = (name: string) => GOLDEN_CLUSTER.services.find(({ metadata }) => metadata.name === name)!;
  const nowhere = of('nowhere');
  const rival = {
    ...of('plain'),
    metadata: { namespace: 'g', name: 'rival' },
    spec: { ...of('plain').spec, externalIPs: ['192.0.2.3'] },
  };
  const endpointSlices = GOLDEN_CLUSTER.endpointSlices.map((slice) =>
    slice.metadata.name === 'plain'
      ? { ...slice, metadata: { ...slice.metadata, labels: { 'kubernetes.io/service-name': 'rival' } } }
      : slice,
  );
  const objects = { ...GOLDEN_CLUSTER, services: [of('balanced'), rival, nowhere], endpointSlices };
  const { configuration } = configurationOf(objects, 'node-1');
  const settings = override(configuration, { mode: 'nftables' });
  const listing = (release: string, dumps: Dump[]) => {
    const { nftables, tables } = expectedNftables(objects, 'node-1', settings, parseRelease(release)!, {
      family: 'ip',
      dumps,
    });
    return { text: asText(nftables), contests: tables[0]!.contests };
  };
  const held = (owner: string) =>
    text(`table ip kube-proxy {
	map no-endpoint-nodeports {
		type inet_proto . inet_service : verdict
		elements = { tcp . 30005 comment "g/gone" : goto reject-chain }
	}
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 192.0.2.3 . tcp . 80 : goto external-${owner} }
	}
}
`);
  assert.match(listing('1.37.2', []).text, /tcp \. 30005 comment "g\/nowhere:p" : goto reject-chain/);
  assert.match(listing('1.37.2', held('')).text, /tcp \. 30005 comment "g\/gone" : goto reject-chain/);
  assert.match(listing('1.30.4', held('')).text, /tcp \. 30005 comment "g\/nowhere:p" : goto reject-chain/);
  for (const owner of ['ZJKPJKNY-g/balanced/tcp/p', '74SPBHWQ-g/rival/tcp/p']) {
    const { text, contests } = listing('1.37.2', held(owner));
    assert.ok(text.includes(`\t192.0.2.3 . tcp . 80 : goto external-${owner}\n`), owner);
    assert.deepEqual(
      contests.map(({ id, seen, claimants }) => ({ id, seen, claimants: claimants.map(({ label }) => label) })),
      [{ id: '192.0.2.3 . tcp . 80', seen: true, claimants: ['g/balanced:p', 'g/rival:p'] }],
    );
  }
});

test('chains that kube-proxy emptied and has not deleted yet are expected as such, until one of them is needed', () => {
  const { configuration } = configurationOf(GOLDEN_CLUSTER, 'node-1');
  const settings = override(configuration, { mode: 'nftables' });
  const gone = 'endpoint-AAAAAAAA-g/gone/tcp/p__10.244.9.9/8080';
  const leftovers = (listing: string, complete = true) => {
    const dumps = [{ ...text(`table ip kube-proxy {\n${listing}}\n`.slice(0, complete ? undefined : -2))[0]! }];
    return expectedNftables(GOLDEN_CLUSTER, 'node-1', settings, parseRelease('1.37.2')!, { family: 'ip', dumps });
  };
  const { nftables, ...found } = leftovers(`\tchain ${gone} {\n\t}\n\tchain services {\n\t}\n`);
  assert.deepEqual(found.leftovers, [{ family: 'ip', table: 'kube-proxy', name: gone }]);
  assert.ok(nftables.some((object) => 'chain' in object && object.chain.name === gone));
  const needed = 'service-YNEUO6GR-g/plain/tcp/p';
  assert.deepEqual(
    leftovers(`\tchain ${needed} {\n\t}\n`).leftovers,
    [],
    'what is needed and empty is broken, not left over',
  );
  assert.deepEqual(leftovers(`\tchain ${gone} {\n\t\treturn\n\t}\n`).leftovers, []);
  assert.deepEqual(leftovers(`\tchain ${gone} {\n\t}\n`, false).leftovers, [], 'what is cut off may have had rules');
});

test('of a node that holds one family alone the other is expected only where some Service needs it', () => {
  const { configuration } = configurationOf(GOLDEN_CLUSTER, 'node-1');
  const settings = override(configuration, { mode: 'nftables' });
  const families = (dumps: Dump[]) =>
    expectedNftables(GOLDEN_CLUSTER, 'node-1', settings, parseRelease('1.37.2')!, { dumps }).tables.map(
      (table) => table.settings.family,
    );
  assert.deepEqual(families([]), ['ip', 'ip6']);
  assert.deepEqual(families(text('table ip kube-proxy {\n}\n')), ['ip']);
  assert.deepEqual(families(text('table ip6 kube-proxy {\n}\n')), ['ip', 'ip6']);
});
