import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress } from '../../src/netfilter/address.ts';
import { traceFor, tracePacket } from '../../src/translation/trace-for.ts';
import type { Client } from '../../src/translation/story.ts';
import { sceneOf, wayTo } from './scene.ts';
import type { Asked } from './scene.ts';

const scene = await sceneOf('1.37-iptables-stale-node');

function told(asked: Asked, client: Client, node: string) {
  const traced = scene.nodes.find((one) => one.name === node)!;
  return traceFor(scene, asked.story, asked.port, asked.way, client, traced);
}

describe("A packet's way as a document", () => {
  test('a rule that asks for something is told by its condition, also beside those that chance decides', () => {
    const { text } = told(wayTo(scene, 'shop/front'), 'node', 'node-1');
    assert.match(text, /! -s 10\.244\.0\.0\/16 .*→ KUBE-MARK-MASQ/);
    assert.doesNotMatch(text, /the rest {2}→ KUBE-MARK-MASQ/);
    assert.match(text, /the rest {2}→ KUBE-SEP-/);
  });

  test('from a pod on the node whose rules are stale', () => {
    assert.equal(
      told(wayTo(scene, 'shop/front'), 'pod', 'node-3').text,
      `shop/front from a pod on node-3 (10.244.2.50 → 10.96.76.241:80/TCP, new connection)
node-3 · iptables (nft) · kube-proxy 1.37.2 · read 2026-11-23 17:03:26 UTC

PREROUTING   nat (nft): 10.96.76.241 is no address of this node: only a rule can change where it goes
  KUBE-SERVICES                line 235   -d 10.96.76.241/32 -p tcp --dport 80  → KUBE-SVC-LQHX3O73FPKHOFRJ
  KUBE-SVC-LQHX3O73FPKHOFRJ    line 289   1 of 3 of what comes here  → KUBE-SEP-2TCHLYH6QH5AMNQM line 153   → 10.244.0.1:8080  33.3 %
                               line 290   1 of 2 of what comes here  → KUBE-SEP-6NNU4JXAO734GDDK line 159   → 10.244.1.1:8080  33.3 %  stale: no endpoint of shop/front
                               line 291   the rest  → KUBE-SEP-JJXXFTEW6DGWFJU2 line 183   → 10.244.2.1:8080  33.3 %
routing      10.244.0.1 by eth0 · 10.244.1.1 by eth0 · 10.244.2.1 by cni0
FORWARD      filter (nft): nothing here decides
POSTROUTING  nat (nft): not masqueraded, the source stays 10.244.2.50 (KUBE-POSTROUTING line 149)

Outcomes
    33.3 %  10.244.0.1:8080  front-86f8476988-92hnx  source kept
    33.3 %  10.244.1.1:8080  cart-858f4fdc45-lgsrf   source kept, stale: no endpoint of shop/front
    33.3 %  10.244.2.1:8080  front-86f8476988-5mjmj  source kept
The pod sees a connection from 10.244.2.50.
`,
    );
  });

  test('every link stands over the line number of the rule that it leads to', () => {
    for (const [key, client] of [
      ['shop/front', 'pod'],
      ['shop/front-nodeport', 'outside'],
      ['shop/typo', 'node'],
    ] as const) {
      const { text, links } = told(wayTo(scene, key), client, 'node-1');
      const lines = text.split('\n');
      assert.ok(links.length > 0, key);
      for (const { line, start, end, place } of links)
        assert.equal(lines[line]!.slice(start, end), `line ${place.line}`);
    }
  });

  test('what is masqueraded tells its mark, its rule and the source that the pod sees', () => {
    const { text } = told(wayTo(scene, 'shop/front-nodeport', 'nodePort'), 'outside', 'node-1');
    assert.match(text, /KUBE-MARK-MASQ +line \d+ +sets the mark/);
    assert.match(text, /→ the source becomes the address of the node's way out/);
    assert.match(text, /The pod sees a connection from 172\.18\.0\.2/);
  });

  test('what is refused names the rule and the reason', () => {
    const { text } = told(wayTo(scene, 'shop/slow'), 'pod', 'node-1');
    assert.match(text, /KUBE-SERVICES +line \d+ +-d 10\.96\.179\.64\/32 -p tcp --dport 80 {2}→ REJECT/);
    assert.match(text, /100 % {2}REJECT icmp-port-unreachable {2}refused at once: none of its endpoints is ready/);
  });

  test('a node that was not read says so', () => {
    const { story, port, way } = wayTo(scene, 'shop/front');
    const unread = { kind: 'unread' as const, name: 'node-1', why: 'no right to exec', advice: 'Ask for it.' };
    const { text, links } = traceFor({ ...scene, nodes: [unread] }, story, port, way, 'pod', unread);
    assert.match(text, /node-1: no right to exec\nAsk for it\./);
    assert.deepEqual(links, []);
  });

  test('any packet can be told, also one that is no Service’s', () => {
    const node = scene.nodes[0]!;
    assert.equal(node.kind, 'read');
    const { text } = tracePacket(scene, node, {
      in: 'local',
      source: parseAddress('172.18.0.2')!,
      destination: parseAddress('198.51.100.1')!,
      protocol: 'tcp',
      destinationPort: 443,
    });
    assert.match(
      text,
      /^198\.51\.100\.1:443 from node-1 itself \(172\.18\.0\.2 → 198\.51\.100\.1:443\/TCP, new connection\)/,
    );
    assert.match(text, /routing +198\.51\.100\.1 by eth0/);
  });
});

test('one rule of nftables that chooses among endpoints is told with each of them', async () => {
  const nft = await sceneOf('1.33-nftables');
  const { story, port, way } = wayTo(nft, 'shop/front');
  const { text } = traceFor(nft, story, port, way, 'pod', nft.nodes[0]!);
  assert.match(text, /line \d+ +at random, 33\.3 % each/);
  assert.equal(text.match(/dnat to 10\.244\.\d\.1:8080 {2}→ 10\.244\.\d\.1:8080 {2}33\.3 %/g)?.length, 3);
});
