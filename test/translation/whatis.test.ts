import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findWhat, parseQuery } from '../../src/translation/whatis.ts';
import { sceneOf } from './scene.ts';

const { objects } = await sceneOf('1.37-iptables-stale-node');
const what = (query: string) => findWhat(objects, query).map(({ kind, title, why }) => `${kind} ${title}: ${why}`);

describe('What is …', () => {
  test('a VIP with its port: the Service port', () => {
    assert.deepEqual(what('10.96.76.241:80'), ['service shop/front: Cluster IP 10.96.76.241:80/TCP (http)']);
  });

  test('a VIP with a port that the Service lacks: said, with the ports that it has', () => {
    assert.deepEqual(what('10.96.76.241:81'), [
      'service shop/front: has 10.96.76.241, but no port 81; its ports: 80/TCP, 443/TCP',
    ]);
  });

  test('a VIP of IPv6, in any spelling', () => {
    const [service] = what('[fd00:10:96:0::422e]:80');
    assert.match(service ?? '', /^service shop\/dual: /);
  });

  test('a load balancer IP and an external IP', () => {
    assert.match(what('192.0.2.21')[0] ?? '', /^service shop\/public: /);
    assert.match(what('192.0.2.11')[0] ?? '', /^service shop\/legacy: /);
  });

  test('a node port, alone or after an address of a node', () => {
    const expected = ['service shop/front-nodeport: node port 30080'];
    assert.deepEqual(what('30080'), expected);
    assert.deepEqual(what(':30080'), expected);
    assert.deepEqual(what('172.18.0.3:30080'), ['node node-2: has 172.18.0.3', ...expected]);
  });

  test("a pod's address: the pod, and the Services that it is an endpoint of", () => {
    const found = what('10.244.2.1');
    assert.equal(found[0], 'pod shop/front-86f8476988-5mjmj: has 10.244.2.1 on node-3');
    assert.ok(found.includes('service shop/front: endpoint 10.244.2.1:8080 of port http'));
  });

  test('an endpoint without a pod: the Service', () => {
    assert.deepEqual(what('198.51.100.50'), ['service shop/db: endpoint 198.51.100.50:5432 of port pg']);
  });

  test('a name: what is called so first, then what begins with it, then pods', () => {
    const found = what('front');
    assert.equal(found[0], 'service shop/front: 10.96.76.241');
    assert.ok(found.some((line) => line.startsWith('pod shop/front-86f8476988-mmb8r')));
    assert.equal(what('shop/cart')[0], 'service shop/cart: 10.96.171.167');
    assert.equal(what('node-2')[0], 'node node-2: node');
  });

  test('nothing: nothing', () => {
    assert.deepEqual(what('  '), []);
    assert.deepEqual(what('10.9.9.9'), []);
  });
});

test('a query is an address with or without a port, a port, or a name', () => {
  assert.deepEqual(parseQuery('[fd00::1]:80'), { text: '[fd00::1]:80', address: 'fd00::1', port: 80 });
  assert.deepEqual(parseQuery('fd00::1'), { text: 'fd00::1', address: 'fd00::1' });
  assert.deepEqual(parseQuery('10.0.0.1:80'), { text: '10.0.0.1:80', address: '10.0.0.1', port: 80 });
  assert.deepEqual(parseQuery(' Shop/Front '), { text: 'shop/front' });
  assert.deepEqual(parseQuery('10.0.0.300:80'), { text: '10.0.0.300:80' });
});
