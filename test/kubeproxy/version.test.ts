import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ClusterObjects, Pod } from '../../src/kubernetes/objects.ts';
import { releaseByShape } from '../../src/kubeproxy/shapes.ts';
import { NEWEST, formatRelease, parseRelease, releaseOf } from '../../src/kubeproxy/version.ts';

const EMPTY: ClusterObjects = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };

function pod(image: string, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name: 'kube-proxy-x', namespace: 'kube-system', labels: { 'k8s-app': 'kube-proxy' }, ...metadata },
    spec: { nodeName: 'node-1', containers: [{ name: 'kube-proxy', image }] },
    status: { phase: 'Running' },
  };
}

const release = (objects: Partial<ClusterObjects>, dump?: string) =>
  releaseOf({ ...EMPTY, ...objects }, 'node-1', dump);
const node = (kubeletVersion: string) => ({
  metadata: { name: 'node-1' },
  status: { nodeInfo: { kubeletVersion } },
});

test('the release is read from the tag of the image, whatever its registry is called', () => {
  for (const [image, expected] of [
    ['registry.k8s.io/kube-proxy:v1.33.13', '1.33.13'],
    ['602401143452.dkr.ecr.eu-west-1.example/eks/kube-proxy:v1.29.0-minimal-eksbuild.1', '1.29.0'],
    ['localhost:5000/k8s-1.20.0/kube-proxy-amd64:v1.31.4', '1.31.4'],
    ['kube-proxy:v1.30@sha256:0123', '1.30.0'],
  ] as const) {
    const found = release({ pods: [pod(image)] });
    assert.equal(formatRelease(found.value), expected, image);
    assert.equal(found.guess, false);
  }
});

test('while a DaemonSet rolls out, the pod that stays is asked', () => {
  const old = pod('kube-proxy:v1.32.0', { name: 'kube-proxy-old', deletionTimestamp: '2026-01-01T00:00:00Z' });
  assert.equal(formatRelease(release({ pods: [old, pod('kube-proxy:v1.33.0')] }).value), '1.33.0');
});

test('an image without a release leaves it to the kubelet, as a guess', () => {
  const found = release({ pods: [pod('registry.example/proxy:stable')], nodes: [node('v1.28.4+k3s1')] });
  assert.equal(formatRelease(found.value), '1.28.4');
  assert.equal(found.guess, true);
  assert.match(found.from, /kubelet/);
});

test('a newer release than is known uses the newest, and says so', () => {
  const found = release({ pods: [pod('kube-proxy:v1.45.1')] });
  assert.deepEqual(found.generation, NEWEST);
  assert.match(found.note!, /1\.45\.1 are not known here: those of 1\.37/);
});

const golden = (name: string) => readFileSync(path.join(import.meta.dirname, `iptables/golden/${name}.txt`), 'utf8');

test('without pod and node the shapes of the rules tell the release, as far as they can', () => {
  const range = (name: string) => {
    const shape = releaseByShape(golden(name))!;
    return [shape.from, shape.to];
  };
  assert.deepEqual(range('1.20.15'), [0, 20]);
  assert.deepEqual(range('1.22.17'), [22, 22]);
  assert.deepEqual(range('1.24.17'), [24, Infinity]);
  assert.deepEqual(range('1.28.15'), [27, Infinity]);
  assert.deepEqual(range('1.37.2'), [31, Infinity]);
  assert.equal(formatRelease(release({}, golden('1.22.17')).value), '1.22.0');
  assert.equal(releaseByShape('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n'), undefined);
});

test('rules of another generation than the image says are told', () => {
  const found = release({ pods: [pod('kube-proxy:v1.33.13')] }, golden('1.22.17'));
  assert.equal(formatRelease(found.generation), '1.33.13');
  assert.match(found.note!, /the node's rules look like those of 1\.22/);
});

test('text that holds no release holds none', () => {
  for (const text of ['latest', '2.1.3', '11.29.0', 'v11.2']) assert.equal(parseRelease(text), undefined, text);
});
