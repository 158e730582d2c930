import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  base32Hash,
  endpointHash,
  nftEndpointBase,
  nftName,
  nftServicePortBase,
  servicePortHash,
  servicePortLabel,
} from '../../src/kubeproxy/names.ts';

test('chains of a service port have the names that kube-proxy gives them', () => {
  const hash = (namespace: string, name: string, port: string, protocol: 'tcp' | 'udp') =>
    servicePortHash(servicePortLabel(namespace, name, port), protocol);
  assert.equal(hash('default', 'kubernetes', 'https', 'tcp'), 'NPX46M4PTMTKRN6Y');
  assert.equal(hash('kube-system', 'kube-dns', 'dns', 'udp'), 'TCOU7JCQXEZGVUNU');
  assert.equal(hash('kube-system', 'kube-dns', 'dns-tcp', 'tcp'), 'ERIFXISQEP7F7OF4');
  assert.equal(hash('kube-system', 'kube-dns', 'metrics', 'tcp'), 'JD5MR3NA4I4DYORP');
  assert.equal(hash('default', 'web', '', 'tcp'), 'LOLE4ISW44XBNF3G');
  assert.equal(hash('ns1', 'svc1', 'p80', 'tcp'), 'XPGD46QRK7WJZT7O');
  assert.equal(hash('ns5', 'svc5', 'p80', 'tcp'), 'NUKIZ6OKUXPJNT4C');
});

test("endpoints' chains have theirs, IPv6 with brackets", () => {
  assert.equal(endpointHash('ns1/svc1:p80', 'tcp', '10.180.0.1:80'), 'SXIVWICOYRO3J4NJ');
  assert.equal(endpointHash('ns5/svc5:p80', 'tcp', '10.180.0.3:80'), 'I77PXRDZVX7PMWMN');
  assert.equal(endpointHash('ns4/svc4:p80', 'tcp', '10.180.0.5:80'), 'C6EBXVWJJZMIWKLZ');
  assert.equal(endpointHash('ns1/svc1:p80', 'tcp', '[fd00:10:180::1]:80'), 'OGYCNMB4EMRUSJ6N');
  assert.equal(endpointHash('default/kubernetes:https', 'tcp', '172.18.0.2:6443'), 'V2PECCYPB6X2GSCW');
});

test("nftables' names say what they stand for behind a hash", () => {
  const web = nftServicePortBase('default', 'web', 'tcp', '');
  assert.equal(nftName('service-', web), 'service-PFISGYVC-default/web/tcp/');
  const svc1 = nftServicePortBase('ns1', 'svc1', 'tcp', 'p80');
  assert.equal(nftName('service-', svc1), 'service-ULMVA6XW-ns1/svc1/tcp/p80');
  const v4 = nftEndpointBase(svc1, '10.180.0.1', 80);
  assert.equal(nftName('endpoint-', v4), 'endpoint-5OJB2KTY-ns1/svc1/tcp/p80__10.180.0.1/80');
  const v6 = nftEndpointBase(svc1, 'fd00:10:180::1', 80);
  assert.equal(nftName('endpoint-', v6), 'endpoint-ZVRFLKHO-ns1/svc1/tcp/p80__fd00.10.180..1/80');
});

test('a name that nft could not take is cut', () => {
  const base = nftServicePortBase('n'.repeat(63), 's'.repeat(63), 'sctp', 'p'.repeat(15));
  assert.ok(!nftName('external-', base).endsWith('...'));
  const long = nftName(
    'affinity-',
    nftEndpointBase(base, 'fd00:1111:2222:3333:4444:5555:6666:7777', 65535) + 'x'.repeat(60),
  );
  assert.equal(long.length, 'affinity-'.length + 240);
  assert.ok(long.endsWith('...'));
});

test('the hash is SHA-256 in base32 of any text', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  for (const text of ['', 'a', 'ns/ü:p', 'x'.repeat(200)]) {
    const bits = [...createHash('sha256').update(text).digest()]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('');
    const expected = Array.from({ length: 16 }, (_, i) => alphabet[parseInt(bits.slice(5 * i, 5 * i + 5), 2)]).join('');
    assert.equal(base32Hash(text, 16), expected, text);
    assert.equal(base32Hash(text, 8), expected.slice(0, 8));
  }
});
