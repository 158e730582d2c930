import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterObjects, EndpointSlice, Service, SliceEndpoint } from '../../src/kubernetes/objects.ts';
import { readEndpoints } from '../../src/kubeproxy/endpoints.ts';
import { selectEndpoints, type Selection } from '../../src/kubeproxy/selection.ts';
import { keyOfPort, portsOf } from '../../src/kubeproxy/services.ts';
import { parseRelease } from '../../src/kubeproxy/version.ts';

function service(spec: Partial<Service['spec']> = {}, metadata: Partial<Service['metadata']> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'a', ...metadata },
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }], ...spec },
  };
}

function slice(endpoints: readonly SliceEndpoint[], metadata: Partial<EndpointSlice['metadata']> = {}): EndpointSlice {
  return {
    metadata: { name: 'web-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'web' }, ...metadata },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints,
  };
}

interface Where {
  readonly release?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly featureGates?: Readonly<Record<string, boolean>>;
}

function select(services: readonly Service[], slices: readonly EndpointSlice[], where: Where = {}): Selection {
  const objects: ClusterObjects = {
    namespaces: [],
    services,
    endpointSlices: slices,
    endpoints: [],
    nodes: [],
    pods: [],
  };
  const release = parseRelease(where.release ?? '1.37.2')!;
  const featureGates = where.featureGates ?? {};
  const [port] = portsOf(objects.services[0]!, { family: 4, release, featureGates });
  assert.ok(port);
  const all = readEndpoints(objects, { family: 4, release, featureGates }).get(keyOfPort(port));
  return selectEndpoints(port, all, {
    name: where.node ?? 'node-1',
    zone: where.zone ?? 'zone-1',
    release,
    featureGates,
  });
}

const ips = (endpoints: Selection['cluster']) => endpoints.map(({ ip }) => ip);
const at = (ip: string, nodeName: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint => ({
  addresses: [ip],
  nodeName,
  ...more,
});
const draining = { conditions: { ready: false, serving: true, terminating: true } };

test('endpoints are sorted by the text of address and port, by the address alone up to 1.21', () => {
  const slices = [slice([at('10.0.0.2', 'n'), at('10.0.0.1', 'n'), at('10.0.0.10', 'n')])];
  assert.deepEqual(ips(select([service()], slices).cluster), ['10.0.0.10', '10.0.0.1', '10.0.0.2']);
  assert.deepEqual(ips(select([service()], slices, { release: '1.21.14' }).cluster), [
    '10.0.0.1',
    '10.0.0.10',
    '10.0.0.2',
  ]);
});

test('conditions that are left out mean ready, serving and not terminating', () => {
  const slices = [slice([at('10.0.0.1', 'n'), at('10.0.0.2', 'n', { conditions: { ready: false } })])];
  assert.deepEqual(ips(select([service()], slices).cluster), ['10.0.0.1']);
});

test('terminating endpoints serve where no ready one is left, from 1.26 on or where the gate is on', () => {
  const slices = [slice([at('10.0.0.1', 'n', draining), at('10.0.0.2', 'n', { conditions: { ready: false } })])];
  assert.deepEqual(ips(select([service()], slices).cluster), ['10.0.0.1']);
  assert.equal(select([service()], slices).mode, 'terminating');
  assert.equal(select([service()], slices, { release: '1.25.16' }).hasEndpoints, false);
  const featureGates = { ProxyTerminatingEndpoints: true };
  assert.deepEqual(ips(select([service()], slices, { release: '1.25.16', featureGates }).cluster), ['10.0.0.1']);
});

test('external policy Local needs both lists: pods and the node itself still reach every endpoint', () => {
  const local = service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] });
  const slices = [slice([at('10.0.0.1', 'node-1'), at('10.0.0.2', 'node-2'), at('10.0.0.3', 'node-3', draining)])];
  const here = select([local], slices);
  assert.deepEqual([ips(here.cluster), ips(here.local)], [['10.0.0.1', '10.0.0.2'], ['10.0.0.1']]);
  const there = select([local], slices, { node: 'node-3' });
  assert.deepEqual(ips(there.local), ['10.0.0.3']);
  assert.deepEqual(ips(there.reachable), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  const elsewhere = select([local], slices, { node: 'node-4' });
  assert.deepEqual([ips(elsewhere.local), elsewhere.hasEndpoints], [[], true]);
});

test('internal policy Local without other ways in has no cluster list; 1.21 knows nothing of it', () => {
  const internal = service({ internalTrafficPolicy: 'Local' });
  const slices = [slice([at('10.0.0.1', 'node-1'), at('10.0.0.2', 'node-2')])];
  const found = select([internal], slices);
  assert.deepEqual([ips(found.cluster), ips(found.local)], [[], ['10.0.0.1']]);
  assert.deepEqual(ips(select([internal], slices, { release: '1.21.14' }).cluster), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(ips(select([internal], slices, { release: '1.22.17' }).cluster), ['10.0.0.1']);
});

const zones = (...names: string[]) => ({ hints: { forZones: names.map((name) => ({ name })) } });

test('zone hints count where every ready endpoint has one and one is for this zone', () => {
  const hinted = [slice([at('10.0.0.1', 'n', zones('zone-1')), at('10.0.0.2', 'n', zones('zone-2'))])];
  const found = select([service()], hinted);
  assert.deepEqual([ips(found.cluster), found.mode], [['10.0.0.1'], 'PreferSameZone']);
  assert.equal(select([service()], hinted, { zone: 'zone-3' }).cluster.length, 2);
  assert.equal(select([service()], hinted, { zone: '' }).cluster.length, 2);
  const oneWithout = [slice([at('10.0.0.1', 'n', zones('zone-1')), at('10.0.0.2', 'n')])];
  assert.equal(select([service()], oneWithout).cluster.length, 2);
  const notReady = [
    slice([at('10.0.0.1', 'n', zones('zone-1')), at('10.0.0.2', 'n', { conditions: { ready: false } })]),
  ];
  assert.equal(select([service()], notReady).mode, 'PreferSameZone');
});

test('before 1.31 an annotation had to ask for them, before 1.24 a gate too', () => {
  const hinted = [slice([at('10.0.0.1', 'n', zones('zone-1')), at('10.0.0.2', 'n', zones('zone-2'))])];
  const older = (value: string) => [
    service({}, { annotations: { 'service.kubernetes.io/topology-aware-hints': value } }),
  ];
  const newer = [service({}, { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } })];
  const mode = (services: readonly Service[], release: string, featureGates = {}) =>
    select(services, hinted, { release, featureGates }).mode;
  assert.equal(mode([service()], '1.30.14'), 'all');
  assert.equal(mode([service()], '1.30.14', { ServiceTrafficDistribution: true }), 'PreferSameZone');
  assert.equal(mode([service()], '1.31.14'), 'PreferSameZone');
  assert.equal(mode(newer, '1.27.16'), 'PreferSameZone');
  assert.equal(mode(newer, '1.26.15'), 'all');
  assert.equal(mode(older('auto'), '1.24.17'), 'PreferSameZone');
  assert.equal(mode(older('anything'), '1.26.15'), 'all');
  assert.equal(mode(older('anything'), '1.27.16'), 'PreferSameZone');
  assert.equal(mode(older('Disabled'), '1.27.16'), 'all');
  assert.equal(mode(older('Auto'), '1.22.17'), 'all');
  assert.equal(mode(older('Auto'), '1.22.17', { TopologyAwareHints: true }), 'PreferSameZone');
});

test('node hints come before zone hints, from 1.34 on', () => {
  const hints = (zone: string, node: string) => ({ hints: { forZones: [{ name: zone }], forNodes: [{ name: node }] } });
  const slices = [
    slice([at('10.0.0.1', 'n', hints('zone-1', 'node-1')), at('10.0.0.2', 'n', hints('zone-1', 'node-2'))]),
  ];
  assert.equal(select([service()], slices).mode, 'PreferSameNode');
  assert.equal(select([service()], slices, { node: 'node-9' }).mode, 'PreferSameZone');
  assert.equal(select([service()], slices, { release: '1.33.13' }).mode, 'PreferSameZone');
});

test('of an address in two slices the local one wins up to 1.35, the one that stays from 1.36 on', () => {
  const slices = [
    slice([at('10.0.0.1', 'node-1', draining)]),
    slice([at('10.0.0.1', 'node-2')], { name: 'web-2' }),
    slice([at('10.0.0.9', 'node-3')], { name: 'web-3' }),
  ];
  const nodes = (release: string) => select([service()], slices, { release }).cluster.map(({ node }) => node);
  assert.deepEqual(nodes('1.36.3'), ['node-2', 'node-3']);
  assert.deepEqual(nodes('1.35.4'), ['node-3']);
});

test('slices of headless Services and of other proxies are not looked at', () => {
  const labels = (label: string) => ({ labels: { 'kubernetes.io/service-name': 'web', [label]: '' } });
  const headless = [slice([at('10.0.0.1', 'n')], labels('service.kubernetes.io/headless'))];
  const other = [slice([at('10.0.0.1', 'n')], labels('service.kubernetes.io/service-proxy-name'))];
  const count = (slices: readonly EndpointSlice[], release: string) =>
    select([service()], slices, { release }).cluster.length;
  assert.deepEqual([count(headless, '1.35.4'), count(headless, '1.37.2')], [0, 0]);
  // From 1.36 on that label counts on Services alone.
  assert.deepEqual([count(other, '1.35.4'), count(other, '1.37.2')], [0, 1]);
});

test('Services that have no cluster IP of the family, or another proxy, are not proxied', () => {
  const ports = (spec: Partial<Service['spec']>, labels: Record<string, string> = {}, release = '1.37.2') =>
    portsOf(service(spec, { labels }), { family: 4, release: parseRelease(release)!, featureGates: {} }).length;
  assert.equal(ports({}), 1);
  assert.equal(ports({ clusterIP: 'None' }), 0);
  assert.equal(ports({ type: 'ExternalName' }), 0);
  assert.equal(ports({ clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'] }), 0);
  assert.equal(ports({}, { 'service.kubernetes.io/service-proxy-name': 'mesh' }), 0);
  assert.equal(ports({}, { 'service.kubernetes.io/headless': '' }, '1.35.4'), 0);
  assert.equal(ports({}, { 'service.kubernetes.io/headless': '' }), 1);
});
