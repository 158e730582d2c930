import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { formatAddress, formatPrefix } from '../../src/netfilter/address.ts';
import { readNetwork, readRoute } from '../../src/netfilter/network.ts';

// A network namespace with eth0, a bridge cni0, an address of its own on lo, a blackhole and two routes of different metric.
const FOLDER = path.join(import.meta.dirname, 'network');
const TEXTS = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(path.join(FOLDER, name), 'utf8') }));

function addresses(names: readonly string[]): string[] {
  const read = readNetwork(TEXTS.filter((each) => names.includes(each.name)))!;
  return read.network.addresses
    .map((each) => `${formatAddress(each.address)}/${each.length} ${each.interface}`)
    .filter((each) => !each.startsWith('fe80'))
    .sort();
}

const PROC = ['fib_trie.txt', 'route.txt', 'if_inet6.txt', 'ipv6_route.txt'];

describe('the network of a node', () => {
  it('has the same addresses from /proc/net as from ip', () => {
    assert.deepEqual(addresses(PROC), [
      '10.244.1.254/24 cni0',
      '127.0.0.1/8 lo',
      '172.18.0.2/16 eth0',
      '192.0.2.10/32 lo',
      '::1/128 lo',
      'fd00:18::2/64 eth0',
    ]);
    assert.deepEqual(addresses(['addresses.json']), addresses(PROC));
  });

  it('has its routes, those with the lowest metric first, without the ones that lead nowhere', () => {
    const { network } = readNetwork(TEXTS.filter((each) => PROC.includes(each.name)))!;
    const routes = network.routes.map((route) => `${formatPrefix(route.prefix)} ${route.interface}`);
    assert.deepEqual(
      routes.filter((route) => !route.startsWith('f')),
      [
        '0.0.0.0/0 eth0',
        '10.244.1.0/24 cni0',
        '10.244.2.0/24 eth0',
        '172.18.0.0/16 eth0',
        '10.9.1.0/24 cni0',
        '10.9.1.0/24 eth0',
        '::/0 eth0',
      ],
    );
    assert.ok(!network.interfaces.includes('*'));
  });

  it('says which families it knows', () => {
    const only = (names: string[]) => readNetwork(TEXTS.filter((each) => names.includes(each.name)));
    assert.equal(only([]), undefined);
    assert.deepEqual([...only(['if_inet6.txt'])!.addresses], [6]);
    assert.deepEqual([...only(['addresses.json'])!.routes], []);
    assert.deepEqual([...only(PROC)!.routes], [4, 6]);
  });

  it('is read on big-endian machines too', () => {
    const text = 'Iface\tDestination\nens3\tAC120000\t00000000\t0001\t0\t0\t0\tFFFF0000\t0\t0\t0\n';
    assert.deepEqual(
      readRoute(text).map((route) => formatPrefix(route.prefix)),
      ['172.18.0.0/16'],
    );
  });

  it('comes from damaged texts as far as they go', () => {
    for (const { name, text } of TEXTS)
      for (const damaged of [text.slice(0, text.length / 2), text.slice(17), `${text}\nnonsense 1 2\n{`, '\0'])
        assert.doesNotThrow(() => readNetwork([{ name, text: damaged }]), `${name}: ${damaged}`);
  });
});
