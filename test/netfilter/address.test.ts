import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contains, formatAddress, formatPrefix, parseAddress, parsePrefix } from '../../src/netfilter/address.ts';

test('an address prints in its canonical form', () => {
  for (const [text, canonical] of [
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['fd00:10:96:0:0:0:0:a', 'fd00:10:96::a'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1'],
  ])
    assert.equal(formatAddress(parseAddress(text!)!), canonical);
});

test('what is no address is refused', () => {
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/8',
    'fd00::1::2',
    'fd00:1',
    '12345::',
    '1:2:3:4:5:6:7:8:9',
  ])
    assert.equal(parseAddress(text), undefined, text);
});

test('a prefix clears its host bits and holds its addresses', () => {
  const prefix = parsePrefix('203.0.113.77/25')!;
  assert.equal(formatPrefix(prefix), '203.0.113.0/25');
  assert.ok(contains(prefix, parseAddress('203.0.113.127')!));
  assert.ok(!contains(prefix, parseAddress('203.0.113.128')!));
  assert.ok(!contains(prefix, parseAddress('::cb00:7101')!));
  assert.ok(contains(parsePrefix('0.0.0.0/0')!, parseAddress('1.2.3.4')!));
});
