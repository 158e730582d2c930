import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findWhat, nothingFound, parseQuery } from '../../src/translation/whatis.ts';
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
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

  test('an address that nobody has: whose network it lies in', () => {
    const where = (query: string, more: Partial<ClusterObjects> = {}) =>
      nothingFound({ ...objects, ...more }, query).why;
    const nobody = 'no Service, pod, endpoint or node has it; it is ';
    assert.equal(where('10.244.1.77:80'), `${nobody}in the pod network 10.244.1.0/24 of node-2`);
    assert.equal(where('fd00:10:244:2::99'), `${nobody}in the pod network fd00:10:244:2::/64 of node-3`);
    assert.match(
      where('10.96.100.100'),
      /it is between the cluster IPs 10\.96\.0\.1 and 10\.96\.\S+ of other Services$/,
    );
    assert.equal(where('172.18.0.200'), `${nobody}beside node-1 (172.18.0.2), perhaps in the nodes' network`);
    assert.equal(where('127.0.0.1'), `${nobody}on loopback: each node's and each pod's own`);
    assert.equal(where('8.8.8.8'), `${nobody}in no network that the API tells of`);
    const server = {
      metadata: { name: 'kube-apiserver-cp' },
      spec: {
        containers: [
          {
            name: 'kube-apiserver',
            command: ['kube-apiserver', '--service-cluster-ip-range=10.96.0.0/12,fd00:10:96::/112'],
          },
        ],
      },
    };
    assert.equal(where('10.97.0.1', { pods: [server] }), `${nobody}in the Services' network 10.96.0.0/12`);
    const data = { 'config.conf': 'kind: KubeProxyConfiguration\nclusterCIDR: 10.244.0.0/16\n' };
    const config = { kubeProxyConfig: { metadata: { name: 'kube-proxy' }, data } };
    assert.equal(where('10.244.200.1', config), `${nobody}in the pods' network 10.244.0.0/16, in no node's part of it`);
  });

  test('a name or a port that nobody has: said so', () => {
    assert.deepEqual(nothingFound(objects, 'No-Such'), {
      kind: 'nothing',
      title: 'no-such',
      why: 'no Service, pod or node has this name',
    });
    assert.equal(nothingFound(objects, ':30999').why, 'no Service has the node port 30999');
  });
});

test('a query is an address with or without a port, a port, or a name', () => {
  assert.deepEqual(parseQuery('[fd00::1]:80'), { text: '[fd00::1]:80', address: 'fd00::1', port: 80 });
  assert.deepEqual(parseQuery('fd00::1'), { text: 'fd00::1', address: 'fd00::1' });
  assert.deepEqual(parseQuery('10.0.0.1:80'), { text: '10.0.0.1:80', address: '10.0.0.1', port: 80 });
  assert.deepEqual(parseQuery(' Shop/Front '), { text: 'shop/front' });
  assert.deepEqual(parseQuery('10.0.0.300:80'), { text: '10.0.0.300:80' });
});
