import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { formatPrefix } from '../../../src/netfilter/address.ts';
import { observe } from '../../../src/kubeproxy/nftables/observed.ts';
import { openRecording } from '../../../src/kubernetes/snapshot/open.ts';
import type { Dump } from '../../../src/kubernetes/source.ts';

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
