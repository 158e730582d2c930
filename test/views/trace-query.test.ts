import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storyIn } from '../../src/translation/scene.ts';
import { wayId } from '../../src/translation/service.ts';
import { sceneOf } from '../../src/views/scene.ts';
import { readTraceQuery, tellDump, tellTrace, type TraceQuery } from '../../src/views/trace-query.ts';
import { recorded, sample } from './sample.ts';

const source = await sample();
const scene = sceneOf(source);
const front = storyIn(
  scene,
  source.objects.services.find(({ metadata }) => metadata.name === 'front')!,
);
const query: TraceQuery & { kind: 'service' } = {
  kind: 'service',
  node: 'node-3',
  service: 'shop/front',
  port: '80/TCP',
  way: wayId(front.ports[0]!.ways[0]!),
  client: 'pod',
};

test('A Service is traced, with links that lead to the very lines', () => {
  const { text, links } = tellTrace(query, scene);
  assert.match(text, /^shop\/front from a pod on node-3 /);
  assert.match(text, /10\.244\.1\.1:8080 {2}33\.3 % {2}stale/);
  assert.ok(links.length >= 6);
  const lines = text.split('\n');
  for (const { line, start, end, place } of links) assert.equal(lines[line]!.slice(start, end), `line ${place.line}`);
});

test('A query survives the address of its document', () => {
  assert.deepEqual(readTraceQuery(JSON.stringify(query)), query);
  for (const bad of [
    '',
    '{',
    '[]',
    'null',
    '{"kind":"service"}',
    '{"kind":"packet","node":"a","from":"b","to":"c","protocol":"tcp","port":"80"}',
  ])
    assert.equal(readTraceQuery(bad), undefined, bad);
});

test('Any packet is traced: a ping to a VIP keeps its destination', () => {
  const { text } = tellTrace(
    { kind: 'packet', node: 'node-1', from: '10.244.0.1', to: '10.96.76.241', protocol: 'icmp' },
    scene,
  );
  assert.match(text, /an echo request/);
  assert.match(text, /10\.96\.76\.241 {2}not translated/);
});

test('A packet of the node itself has the source of the way out, as the diagram has it', () => {
  const local = { kind: 'packet', node: 'node-1', from: 'local', port: 80, protocol: 'tcp' } as const;
  const asService = tellTrace({ ...query, node: 'node-1', client: 'node' }, scene).text;
  const asAddress = tellTrace({ ...local, to: '10.96.76.241' }, scene).text;
  for (const text of [asService, asAddress]) assert.match(text, /172\.18\.0\.2 → 10\.96\.76\.241:80/);
  const [, ...outcomes] = asService.split('Outcomes');
  assert.deepEqual(asAddress.split('Outcomes').slice(1), outcomes);
  assert.match(outcomes.join(), /source becomes 172\.18\.0\.2/);
  // A pod of this node is beyond cni0, the node's own address is reached from itself.
  assert.match(tellTrace({ ...local, to: '10.244.0.1' }, scene).text, /10\.244\.0\.254 → 10\.244\.0\.1:80/);
  assert.match(tellTrace({ ...local, to: '10.244.0.254' }, scene).text, /10\.244\.0\.254 → 10\.244\.0\.254:80/);
  // A link-local address is no source for what is beyond the link.
  assert.doesNotMatch(tellTrace({ ...local, to: 'fd00:10:96::a427' }, scene).text, /fe80::[0-9a-f:]+ → /);
});

test('What cannot be traced is said in words', () => {
  const packet = {
    kind: 'packet',
    node: 'node-1',
    from: 'local',
    to: '10.96.0.1',
    port: 443,
    protocol: 'tcp',
  } as const;
  assert.match(tellTrace({ ...packet, node: 'node-9' }, scene).text, /no node node-9/);
  assert.match(tellTrace({ ...packet, to: 'nowhere' }, scene).text, /nowhere is no address/);
  assert.match(tellTrace({ ...packet, from: 'fd00::1' }, scene).text, /different families/);
  assert.match(tellTrace({ ...query, service: 'shop/gone' }, scene).text, /shop\/gone is not in the cluster any more/);
  const noPort = tellTrace({ ...query, port: '81/TCP' }, scene).text;
  assert.equal(noPort, 'shop/front has no port 81/TCP. Its ports: 80/TCP (http) and 443/TCP (https).\n');
  assert.match(tellTrace({ ...query, way: 'externalIP|192.0.2.9|80|TCP|4' }, scene).text, /no longer has the address/);
  const unread = {
    ...scene,
    nodes: [{ kind: 'unread', name: 'node-1', why: 'not read yet', advice: 'Read it.' }],
  } as const;
  assert.equal(tellTrace(packet, unread).text, 'node-1: not read yet\nRead it.\n');
});

test("A colleague's dump is traced with no cluster at all", () => {
  const text = recorded('1.37-iptables-stale-node/nodes/node-3/iptables-save.txt');
  const vip = /-d ([\d.]+)\/32 .*shop\/front:http cluster IP/.exec(text)![1]!;
  const file = {
    kind: 'file',
    uri: 'file:///mail/iptables-save',
    from: '10.244.2.50',
    to: vip,
    port: 80,
    protocol: 'tcp',
  } as const;
  const told = tellDump(file, 'iptables-save', text);
  assert.match(told.text, /10\.244\.1\.1:8080 +33\.3 %/);
  const lines = text.split('\n');
  assert.ok(told.links.some(({ place }) => lines[place.line - 1]!.includes('--to-destination 10.244.1.1:8080')));
});

test("nft's listing and ip6tables-save are told apart", () => {
  const nft = recorded('1.37-nftables/nodes/node-1/nft.txt');
  const vip = /([\d.]+) \. tcp \. 80 : goto service-\w+-shop\/front\/tcp\/http/.exec(nft)![1]!;
  const file = { kind: 'file', uri: 'file:///a', from: '10.244.0.50', to: vip, port: 80, protocol: 'tcp' } as const;
  assert.match(tellDump(file, 'nft.txt', nft).text, /Outcomes\n( +33\.3 %.*\n){3}/);
  const six = recorded('1.37-iptables-nft/nodes/node-1/ip6tables-save.txt');
  const vip6 = /-d ([0-9a-f:]+)\/128 .*shop\/dual:http cluster IP/.exec(six)![1]!;
  const there = tellDump({ ...file, from: 'fd00:10:244::50', to: vip6 }, 'x', six);
  assert.match(there.text, /PREROUTING +nat/);
  assert.match(there.text, /Outcomes\n +\d+(\.\d)? % +\[/);
});

test('A file that is no dump says so', () => {
  const file = { kind: 'file', uri: 'file:///a', from: '10.0.0.1', to: '10.0.0.2', port: 80, protocol: 'tcp' } as const;
  assert.match(tellDump(file, 'notes.txt', 'hello').text, /^notes\.txt: no rules in what was read/);
});
