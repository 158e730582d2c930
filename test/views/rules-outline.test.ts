import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { blockNamed, linesWith, nameAt, outlineOf } from '../../src/views/rules-outline.ts';
import { rulesHoverText, servicePortOf } from '../../src/views/rules-hover-text.ts';
import { recorded, sample, unescaped } from './sample.ts';

const IPTABLES = recorded('1.37-iptables-nft/nodes/node-1/iptables-save.txt').split('\n');
const NFT = recorded('1.37-nftables/nodes/node-1/nft.txt').split('\n');

test('Every rule of every recorded iptables dump is in its chain', () => {
  const recordings = path.resolve(import.meta.dirname, '../recordings');
  let dumps = 0;
  for (const recording of readdirSync(recordings))
    for (const file of ['iptables-save.txt', 'ip6tables-save.txt']) {
      let text: string;
      try {
        text = recorded(`${recording}/nodes/node-1/${file}`);
      } catch {
        continue; // a recording in nftables mode may have none
      }
      dumps++;
      const lines = text.split('\n');
      const counted = outlineOf(lines)
        .flatMap(({ blocks }) => [...blocks.values()])
        .reduce((sum, { rules }) => sum + rules, 0);
      assert.equal(counted, lines.filter((line) => /^(\[\d+:\d+\] )?-A /.test(line)).length, `${recording} ${file}`);
    }
  assert.ok(dumps >= 20);
});

test("A chain's block is its declaration and its rules", () => {
  const chain = blockNamed(outlineOf(IPTABLES), 'KUBE-POSTROUTING', IPTABLES.length - 5)!;
  assert.match(IPTABLES[chain.declared]!, /^:KUBE-POSTROUTING - /);
  for (let line = chain.first; line <= chain.last; line++) assert.match(IPTABLES[line]!, /^-A KUBE-POSTROUTING /);
  assert.equal(chain.last - chain.first + 1, chain.rules);
});

test("Chains, sets and maps of nft's text are found, with slashes and dots in their names", () => {
  const [table] = outlineOf(NFT);
  assert.equal(table?.name, 'ip kube-proxy');
  assert.equal(table.blocks.get('cluster-ips')?.kind, 'set');
  assert.equal(table.blocks.get('service-ips')?.kind, 'map');
  const services = table.blocks.get('services')!;
  assert.equal(services.kind, 'chain');
  const declared = NFT.filter((line) => /^\t(chain|set|map) /.test(line)).length;
  assert.equal(
    outlineOf(NFT).reduce((sum, { blocks }) => sum + blocks.size, 0),
    declared,
  );
});

test('A policy is told', () => {
  assert.equal(blockNamed(outlineOf(IPTABLES), 'PREROUTING', IPTABLES.length - 5)?.policy, 'ACCEPT');
});

test('The name under the pointer has no punctuation of the dump', () => {
  assert.equal(nameAt(':KUBE-SVC-A - [0:0]', 4)?.name, 'KUBE-SVC-A');
  assert.equal(nameAt('goto service-X2-shop/front/tcp/http,', 10)?.name, 'service-X2-shop/front/tcp/http');
  assert.equal(nameAt('-d 10.96.0.1/32 -j X', 5)?.name, '10.96.0.1/32');
  assert.equal(nameAt('a  b', 2), undefined);
  assert.deepEqual(nameAt('elements = { fd00::1 }', 15), { name: 'fd00::1', start: 13, end: 20 });
});

test('References are whole words', () => {
  const lines = [':KUBE-SVC-A - [0:0]', '-A KUBE-SVC-A -j KUBE-SVC-AB', '-A X -j KUBE-SVC-A'];
  assert.deepEqual(
    linesWith(lines, 'KUBE-SVC-A').map(({ line }) => line),
    [0, 1, 2],
  );
});

test("An endpoint's chain says which Service it is of, where it sends, and whose address that is now", async () => {
  const { objects } = await sample();
  const text = recorded('1.37-iptables-stale-node/nodes/node-3/iptables-save.txt').split('\n');
  const outline = outlineOf(text);
  const stale = /KUBE-SEP-\S+/.exec(
    text.find((line) => line.includes('10.244.1.1:8080') && line.includes('shop/front:http'))!,
  )![0];
  const said = unescaped(rulesHoverText(stale, text.length - 3, text, outline, objects)!);
  assert.match(said, /One endpoint/);
  assert.match(said, /\*\*shop\/front:http\*\*/);
  assert.match(said, /`10\.244\.1\.1:8080` \*\*shop\/cart-/);
  assert.match(
    unescaped(rulesHoverText('10.96.76.241/32', 0, text, outline, objects)!),
    /shop\/front.*VIP 10\.96\.76\.241/,
  );
  assert.equal(rulesHoverText('tcp', 0, text, outline, objects), undefined);
});

test('Without a cluster the comments still say the Service', () => {
  const outline = outlineOf(IPTABLES);
  for (const { blocks } of outline)
    for (const [name, block] of blocks)
      if (/^KUBE-(SEP|SVC|EXT)-/.test(name))
        assert.match(servicePortOf(name, block, IPTABLES) ?? name, /^[a-z-]+\/[a-z-]+(:[a-z-]+)?$/);
});

test("nft's names say the Service themselves", () => {
  assert.equal(servicePortOf('endpoint-A7CQGLRA-shop/cart/tcp/__10.244.3.2/9090', undefined, []), 'shop/cart');
  assert.equal(servicePortOf('service-CYI7CYQE-shop/dns/tcp/dns-tcp', undefined, []), 'shop/dns:dns-tcp');
});

test('No text makes it throw', () => {
  const piece = fc.constantFrom(
    '*nat\n',
    ':A - [0:0]\n',
    '-A A -j B\n',
    '[1:2] -A C\n',
    'COMMIT\n',
    'table ip x {\n',
    '\tchain a {\n',
    '\t}\n',
    '}\n',
    '# x\n',
    'type nat hook output priority 0; policy drop;\n',
    ':\n',
    '-A \n',
  );
  fc.assert(
    fc.property(fc.array(piece), (parts) => {
      const lines = parts.join('').split('\n');
      for (const table of outlineOf(lines))
        for (const block of table.blocks.values()) {
          assert.ok(block.last < lines.length);
          rulesHoverText(block.name, block.declared, lines, outlineOf(lines), undefined);
        }
    }),
  );
});
