import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tellTrace } from '../../src/views/trace-query.ts';
import { answer, sceneOf, wayTo } from './scene.ts';

const PORTS = String.raw`80\/TCP \(http\) and 443\/TCP \(https\)`;

describe('Why a packet to a VIP is taken by no port, in diagram and trace alike', () => {
  for (const [recording, ends] of [
    ['1.22-iptables-legacy', 'lost'],
    ['1.37-iptables-nft', 'lost'],
    ['1.29-nftables', 'lost'],
    ['1.33-nftables', 'refused'],
    ['1.37-nftables', 'refused'],
  ] as const)
    test(`${recording}: ${ends}`, async () => {
      const scene = await sceneOf(recording);
      const asked = wayTo(scene, 'shop/front');
      const to = asked.way.address!;
      const text = (more: { readonly protocol: 'icmp' } | { readonly protocol: 'tcp'; readonly port: number }) =>
        tellTrace({ kind: 'packet', node: 'node-1', from: '10.244.0.50', to, ...more }, scene).text;
      // In one line, whatever was wrapped.
      const fateIn = (told: string) => told.split('Outcomes')[1]!.replace(/\s+/g, ' ');
      const fate = (why: string) =>
        new RegExp(
          ends === 'refused'
            ? String.raw`100 % REJECT icmp-port-unreachable Refused at once by cluster-ips-check \(line \d+\): ${why}`
            : String.raw`100 % ${to}\S* not translated No answer: ${why}\. It leaves by eth0, and no interface has ${to}`,
        );

      const ping = text({ protocol: 'icmp' });
      assert.match(ping, /^a ping from 10\.244\.0\.50 on node-1 to shop\/front \(/);
      assert.match(fateIn(ping), fate(String.raw`a ping has no port, only 80\/TCP and 443\/TCP are taken`));

      const port = text({ protocol: 'tcp', port: 99 });
      assert.match(port, /^99\/TCP, which is no port of shop\/front, from 10\.244\.0\.50 on node-1 \(/);
      assert.match(port, new RegExp(`\\nshop/front has no port 99/TCP\\. Its ports: ${PORTS}\\.\\n`));
      assert.match(fateIn(port), fate(String.raw`99\/TCP is none of its ports: 80\/TCP and 443\/TCP`));

      const drawn = answer(scene, asked, 'ping', 'node-1');
      assert.ok(drawn.kind === 'traced' && drawn.streams.length === 1);
      const { end } = drawn.streams[0]!;
      assert.ok(
        'why' in end && fateIn(ping).toLowerCase().includes(end.why.toLowerCase()),
        'the diagram says the same',
      );
    });

  test('an address that is somebody’s outside is not said to be lost', async () => {
    const scene = await sceneOf('1.37-iptables-nft');
    const { way } = wayTo(scene, 'shop/public', 'loadBalancerIP');
    const ping = { kind: 'packet', node: 'node-1', from: '10.244.0.50', to: way.address!, protocol: 'icmp' } as const;
    const { text } = tellTrace(ping, scene);
    assert.match(text, /It leaves by eth0 for whoever has /);
    assert.doesNotMatch(text, /no interface/);
  });
});

test('a packet from a certain pod to a port of a Service is judged as one of any pod', async () => {
  const scene = await sceneOf('1.37-iptables-stale-node');
  const to = wayTo(scene, 'shop/front').way.address!;
  const asked = { kind: 'packet', node: 'node-3', from: '10.244.2.1', to, port: 80, protocol: 'tcp' } as const;
  const { text } = tellTrace(asked, scene);
  assert.match(text, /^shop\/front from front-\S+ on node-3 /);
  assert.match(text, /10\.244\.1\.1:8080 .*stale: no endpoint of shop\/front/);
});

test('a node port on a node’s address is its Service’s', async () => {
  const scene = await sceneOf('1.37-iptables-nft');
  const { way } = wayTo(scene, 'shop/front-nodeport', 'nodePort');
  const asked = { kind: 'packet', node: 'node-1', from: '203.0.113.9', to: '172.18.0.2', port: way.port } as const;
  assert.match(
    tellTrace({ ...asked, protocol: 'tcp' }, scene).text,
    /^shop\/front-nodeport from 203\.0\.113\.9 on node-1 /,
  );
  assert.match(tellTrace({ ...asked, protocol: 'udp' }, scene).text, /^172\.18\.0\.2:\d+ from /);
});
