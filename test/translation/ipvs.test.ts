/** No kernel here has IPVS: the rules and sets are those that the source of kube-proxy 1.24 and 1.30 writes (pkg/proxy/ipvs). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vipsOf } from '../../src/translation/directory.ts';
import { tracedNode } from '../../src/translation/read-node.ts';
import type { Scene } from '../../src/translation/scene.ts';
import { brief } from '../../src/translation/standing.ts';
import { tellTrace } from '../../src/views/trace-query.ts';
import { answer, sceneOf, wayTo } from './scene.ts';

const recorded = await sceneOf('1.28-iptables-nft');
const front = wayTo(recorded, 'shop/front');
const vip = front.way.address!;

const NAT = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN
-A KUBE-SERVICES ! -s 10.244.0.0/16 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
COMMIT
`;
const FILTER = `*filter
:INPUT ACCEPT [0:0]
:KUBE-IPVS-FILTER - [0:0]
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A KUBE-IPVS-FILTER -m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
const SETS = `create KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536
add KUBE-CLUSTER-IP ${vip},tcp:80
add KUBE-CLUSTER-IP ${vip},tcp:443
`;
const IPS = `create KUBE-IPVS-IPS hash:ip family inet hashsize 1024 maxelem 65536
add KUBE-IPVS-IPS ${vip}
`;

function inIpvsMode(rules: string, sets: string): Scene {
  const dumps = [
    { name: 'iptables-save.txt', text: rules, from: '', complete: true },
    { name: 'ipset-save.txt', text: sets, from: '', complete: true },
  ] as const;
  const capture = { node: 'node-1', at: 0, dumps, problems: [] };
  const node = tracedNode('node-1', { kind: 'captured', capture }, recorded.objects);
  return { objects: recorded.objects, nodes: [node] };
}

const until125 = inIpvsMode(NAT, SETS);
const since126 = inIpvsMode(NAT + FILTER, SETS + IPS);

/** In one line, whatever was wrapped. */
function told(query: Parameters<typeof tellTrace>[0], scene: Scene): string {
  return tellTrace(query, scene).text.replace(/\s+/g, ' ');
}

const packet = { kind: 'packet', node: 'node-1', from: '10.244.0.50', to: vip } as const;

describe('On a node in IPVS mode', () => {
  test('every VIP is an address of the node, also where its addresses were not read', () => {
    const [node] = until125.nodes;
    assert.ok(node?.kind === 'read' && node.mode === 'ipvs');
    const held = node.network.addresses.filter((each) => each.interface === 'kube-ipvs0');
    assert.equal(held.length, new Set(recorded.objects.services.flatMap(vipsOf)).size);
  });

  test('a ping to a VIP is answered by the node, until 1.25', () => {
    const text = told({ ...packet, protocol: 'icmp' }, until125);
    assert.match(text, /is an address of this node, as every VIP is in IPVS mode/);
    assert.match(text, /not translated The node itself answers, whether or not an endpoint is ready: .* kube-ipvs0/);
  });

  test('since 1.26 it is refused, and so is a port that the Service lacks', () => {
    const ping = told({ ...packet, protocol: 'icmp' }, since126);
    assert.match(
      ping,
      /REJECT icmp-port-unreachable Refused at once by KUBE-IPVS-FILTER \(line 18\): a ping has no port/,
    );
    const port = told({ ...packet, protocol: 'tcp', port: 99 }, since126);
    assert.match(
      port,
      /Refused at once by KUBE-IPVS-FILTER \(line 18\): 99\/TCP is none of its ports: 80\/TCP and 443\/TCP/,
    );
  });

  test('a port that the Service lacks is the node’s own, until 1.25', () => {
    const text = told({ ...packet, protocol: 'tcp', port: 99 }, until125);
    assert.match(text, /99\/TCP is none of its ports: .*what listens on that port of the node answers/);
  });

  test('a port of the Service is left to IPVS, and nobody is accused', () => {
    for (const scene of [until125, since126]) {
      const text = told({ ...packet, protocol: 'tcp', port: 80 }, scene);
      assert.match(text, /handed to IPVS, whose virtual servers are not read/);
      assert.doesNotMatch(text, /stale/);
      const answered = answer(scene, front, 'pod', 'node-1');
      assert.ok(answered.kind === 'traced' && answered.idle.length === 3);
      for (const { reason, unexpected } of answered.idle) {
        assert.equal(reason, 'ready, and IPVS chooses');
        assert.ok(!unexpected);
      }
      assert.deepEqual(brief(answered), { node: 'node-1', state: 'none', words: 'left to IPVS' });
    }
  });
});
