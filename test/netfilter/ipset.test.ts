import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/netfilter/address.ts';
import { inSet, readIpsets, readIpsetsInSlices, type SetPacket } from '../../src/netfilter/ipset.ts';

const TEXT = `create VIPS hash:ip,port family inet hashsize 1024 maxelem 65536
add VIPS 10.96.0.10,tcp:80
add VIPS 10.96.0.10,icmp:echo-request
create NETS hash:net family inet hashsize 1024 maxelem 65536 timeout 0
add NETS 10.0.0.0/8 timeout 0
add NETS 10.96.0.10 timeout 0 nomatch
create SIX hash:net,port family inet6
add SIX fd00:10::/32,udp:53
create PORTS bitmap:port range 0-65535
add PORTS 80
create MASKED hash:ip family inet netmask 24
add MASKED 10.96.0.0
create WAYS hash:net,iface family inet
add WAYS 10.0.0.0/8,cni0
add WAYS 10.96.0.0/16,eth0
create ALL list:set size 8
add ALL PORTS
add ALL VIPS
`;

const { sets, problems } = readIpsets(TEXT, 'ipset-save.txt');

function ask(
  name: string,
  ways: string,
  to: string,
  protocol: SetPacket['protocol'],
  port?: number,
  from = 'eth0',
): boolean | undefined {
  const destination = parseAddress(to)!;
  const packet: SetPacket = {
    address: () => destination,
    port: (direction) => (direction === 'dst' ? port : undefined),
    interface: () => from,
    protocol,
    mark: 0,
  };
  return inSet(sets.get(name)!, ways.split(',') as ('src' | 'dst')[], packet, destination.family, (other) =>
    sets.get(other),
  );
}

test('the sets of ipset save are asked as the kernel asks them', () => {
  assert.deepEqual(problems, []);
  assert.equal(ask('VIPS', 'dst,dst', '10.96.0.10', 'tcp', 80), true);
  assert.equal(ask('VIPS', 'dst,dst', '10.96.0.10', 'udp', 80), false);
  assert.equal(ask('VIPS', 'dst,dst', '10.96.0.10', 'icmp'), true);
  assert.equal(ask('VIPS', 'dst', '10.96.0.10', 'tcp', 80), false); // too few directions
  assert.equal(ask('NETS', 'dst', '10.1.2.3', 'tcp', 80), true);
  assert.equal(ask('NETS', 'dst', '10.96.0.10', 'tcp', 80), false); // the most specific one is a nomatch
  assert.equal(ask('NETS', 'dst', 'fd00::1', 'tcp', 80), false); // the other family
  assert.equal(ask('SIX', 'dst,dst', 'fd00:10::5', 'udp', 53), true);
  assert.equal(ask('PORTS', 'dst', '10.1.1.1', 'tcp', 80), true);
  assert.equal(ask('PORTS', 'dst', '10.1.1.1', 'sctp', 80), false); // bitmap:port knows TCP and UDP
  assert.equal(ask('MASKED', 'dst', '10.96.0.77', 'tcp', 80), true);
  assert.equal(ask('WAYS', 'dst,src', '10.1.1.1', 'tcp', 80, 'cni0'), true);
  assert.equal(ask('WAYS', 'dst,src', '10.96.1.1', 'tcp', 80, 'cni0'), false); // 10.96.0.0/16 is there, with eth0
  assert.equal(ask('ALL', 'dst,dst', '10.96.0.10', 'udp', 80), true);
  assert.equal(ask('VIPS', 'dst,src', '10.96.0.10', 'tcp', 80), undefined); // the source port is not known
});

test('an element of a set that is not there is told', () => {
  const { problems: found } = readIpsets('add GONE 10.0.0.1\ncreate\n', 'ipset-save.txt');
  assert.deepEqual(
    found.map(({ place }) => place.line),
    [1, 2],
  );
});

test('a set of 100,000 elements is read in slices, with rising progress, and asked like any other', () => {
  const adds = Array.from({ length: 100_000 }, (_, i) => `add BIG 10.${i >> 16}.${(i >> 8) & 255}.${i & 255},tcp:80\n`);
  const reading = readIpsetsInSlices(`create BIG hash:ip,port family inet\n${adds.join('')}`, 'ipset-save.txt');
  const shares: number[] = [];
  let step = reading.next();
  for (; !step.done; step = reading.next()) shares.push(step.value);
  assert.ok(shares.length > 50, String(shares.length));
  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
  const big = step.value.sets.get('BIG')!;
  const asked = ['10.1.134.159', '10.1.134.160'].map((to) => {
    const address = parseAddress(to)!;
    const packet: SetPacket = {
      address: () => address,
      port: () => 80,
      interface: () => 'eth0',
      protocol: 'tcp',
      mark: 0,
    };
    return inSet(big, ['dst', 'dst'], packet, 4, () => undefined);
  });
  assert.deepEqual(asked, [true, false]);
});

test('a set with an element that cannot be read may hold any packet, but those that it surely holds', () => {
  const { sets: damaged } = readIpsets(
    'create D hash:ip,port family inet\nadd D 10.0.0.1,tcp:80\nadd D 10.0.0.\n',
    'ipset-save.txt',
  );
  const asked = ['10.0.0.1', '10.0.0.2'].map((to) =>
    inSet(
      damaged.get('D')!,
      ['dst', 'dst'],
      { address: () => parseAddress(to)!, port: () => 80, interface: () => 'eth0', protocol: 'tcp', mark: 0 },
      4,
      () => undefined,
    ),
  );
  assert.deepEqual(asked, [true, undefined]);
});
