import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../src/kubernetes/objects.ts';
import { portsOf, type ProxiedPort } from '../../src/kubeproxy/services.ts';
import { parseRelease } from '../../src/kubeproxy/version.ts';

function port(spec: Partial<Service['spec']>, release = '1.37.2', status?: Service['status'], gates = {}): ProxiedPort {
  const service: Service = {
    metadata: { name: 'web', namespace: 'a' },
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.5', ports: [{ port: 80, nodePort: 30080 }], ...spec },
    ...(status ? { status } : {}),
  };
  const [found] = portsOf(service, { family: 4, release: parseRelease(release)!, featureGates: gates });
  assert.ok(found);
  return found;
}

test('addresses and ranges of the other family are left out, odd spellings are put right', () => {
  const found = port({
    clusterIP: '10.96.0.005',
    externalIPs: ['192.0.2.1', '2001:db8::1', '::ffff:192.0.2.2', 'nonsense'],
    loadBalancerSourceRanges: [' 203.0.113.77/24', '2001:db8::/32', '010.0.0.0/8', 'nonsense'],
  });
  assert.equal(found.clusterIP, '10.96.0.5');
  assert.deepEqual(found.externalIPs, ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(found.sourceRanges, ['203.0.113.0/24', '10.0.0.0/8']);
});

test('a range that is every address lifts all ranges from 1.34 on', () => {
  const spec = { loadBalancerSourceRanges: ['203.0.113.0/24', '0.0.0.0/0', '::/0'] };
  assert.deepEqual(port(spec).sourceRanges, []);
  assert.deepEqual(port(spec, '1.33.13').sourceRanges, ['203.0.113.0/24', '0.0.0.0/0']);
});

test('of the load balancer addresses those of ipMode Proxy are passed over where the release knows it', () => {
  const status = {
    loadBalancer: {
      ingress: [
        { ip: '192.0.2.1', ipMode: 'Proxy' as const },
        { ip: '192.0.2.2', ipMode: 'VIP' as const },
        { hostname: 'x' },
      ],
    },
  };
  assert.deepEqual(port({}, '1.37.2', status).loadBalancerIPs, ['192.0.2.2']);
  assert.deepEqual(port({}, '1.29.6', status).loadBalancerIPs, ['192.0.2.1', '192.0.2.2']);
  assert.deepEqual(port({}, '1.29.6', status, { LoadBalancerIPMode: true }).loadBalancerIPs, ['192.0.2.2']);
});

test('external policy Local counts for external IPs of ClusterIP Services from 1.29 on', () => {
  const spec = { type: 'ClusterIP', externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' } as const;
  assert.equal(port(spec, '1.28.15').externalPolicyLocal, false);
  assert.equal(port(spec, '1.29.6').externalPolicyLocal, true);
  assert.equal(port({ ...spec, externalIPs: [] }, '1.29.6').externalPolicyLocal, false);
});

test('external IPs can be turned off from 1.36 on, and then still make the Service accessible', () => {
  const off = port({ type: 'ClusterIP', ports: [{ port: 80 }], externalIPs: ['192.0.2.1'] }, '1.36.3', undefined, {
    AllowServiceExternalIPs: false,
  });
  assert.deepEqual([off.externalIPs, off.externallyAccessible], [[], true]);
});

test('a health check port belongs to load balancers of policy Local', () => {
  assert.equal(port({ externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 }).healthCheckNodePort, 32000);
  assert.equal(port({ healthCheckNodePort: 32000 }).healthCheckNodePort, 0);
});

test('affinity lasts three hours unless it says otherwise', () => {
  assert.equal(port({}).affinitySeconds, undefined);
  assert.equal(port({ sessionAffinity: 'ClientIP' }).affinitySeconds, 10800);
});
