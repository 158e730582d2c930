import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import { sideBySide } from '../../src/diagnosis/side-by-side.ts';
import type { EndpointSlice } from '../../src/kubernetes/objects.ts';
import { nodesByPods } from '../../src/kubernetes/nodes-by-pods.ts';
import { memoryFiles } from '../kubernetes/memory-files.ts';
import { openRecordingFiles } from '../../src/kubernetes/snapshot/recording.ts';
import type { Dump } from '../../src/kubernetes/source.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import {
  isDrifted,
  driftedPorts,
  driftOf,
  edited,
  recorded,
  RECORDINGS,
  sentences,
  type Recorded,
} from './recorded.ts';

describe('a node whose kube-proxy works', () => {
  for (const name of RECORDINGS)
    test(`has no drift in ${name}`, async () => {
      const cluster = await recorded(name);
      for (const node of cluster.captures.keys()) {
        if (name === '1.37-iptables-stale-node' && node === 'node-3') continue;
        const drift = driftOf(cluster, node);
        assert.equal(drift.kind, 'compared', node);
        assert.ok(drift.kind === 'compared' && drift.families.every((f) => f.ports.length > 0 || f.family === 6), node);
        assert.equal(isDrifted(drift), false, `${node}: ${sentences(drift).join('; ')}`);
        assert.deepEqual(drift.kind === 'compared' && drift.families.flatMap((f) => f.harmless), [], node);
      }
    });
});

describe('a node of a cluster whose Services or endpoints nobody may read', () => {
  for (const [kind, words] of [
    ['services', 'Services'],
    ['endpointSlices', 'EndpointSlices'],
  ] as const)
    test(`is compared with nothing where there are no ${words}, rather than called drifted`, async () => {
      const cluster = await recorded('1.37-iptables-nft');
      const objects = { ...cluster.objects, endpoints: [], [kind]: [] };
      const drift = driftOf({ ...cluster, objects }, 'node-1');
      assert.equal(drift.kind === 'unknown' && drift.reason, 'objects');
      assert.equal(drift.kind === 'unknown' && drift.words, `node-1's rules cannot be compared: no ${words} were read`);
      const capture = cluster.captures.get('node-1')!;
      const { network } = nodeNetwork('node-1', objects, capture);
      assert.equal(sideBySide({ objects, capture, network }), undefined);
    });
});

describe('a node that nobody may get', () => {
  test('is compared by what its pods and endpoints tell of it, and has no drift for what they do not', async () => {
    for (const name of RECORDINGS) {
      const cluster = await recorded(name);
      const objects = { ...cluster.objects, nodes: nodesByPods(cluster.objects) };
      for (const node of cluster.captures.keys()) {
        const known = driftOf(cluster, node);
        const drift = driftOf({ ...cluster, objects }, node);
        assert.equal(drift.kind, 'compared', `${name} ${node}`);
        assert.equal(isDrifted(drift), isDrifted(known), `${name} ${node}: ${sentences(drift).join('; ')}`);
      }
    }
  });

  test('is not compared where endpoints are chosen by zones, and its own is not known', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const drift = driftOf({ ...cluster, objects: { ...cluster.objects, nodes: [] } }, 'node-1');
    assert.ok(drift.kind === 'unknown' && drift.reason === 'objects');
    assert.match(drift.words, /its zone was not read/);
  });
});

describe('a node of a recording whose file of Services is cut off', () => {
  test('is not called drifted for the Services behind the cut', async () => {
    const folder = path.join(import.meta.dirname, '../recordings/1.37-iptables-nft');
    const bytes = new Map<string, Uint8Array>();
    for (const file of ['objects/services.json', 'objects/endpointslices.json', 'nodes/node-1/iptables-save.txt'])
      bytes.set(file, await readFile(path.join(folder, file)));
    bytes.set('objects/services.json', bytes.get('objects/services.json')!.subarray(0, 9000));
    const { objects } = await openRecordingFiles(memoryFiles(bytes), 'cut', 'here');
    assert.ok(objects.services.length > 0);
    const cluster = await recorded('1.37-iptables-nft');
    const drift = driftOf({ ...cluster, objects }, 'node-1');
    assert.equal(
      drift.kind === 'unknown' && drift.words,
      "node-1's rules cannot be compared: not all Services were read",
    );
  });
});

describe('the node whose kube-proxy died before a rollout', () => {
  test('has drifted where the rollout changed something, and nowhere else', async () => {
    const drift = driftOf(await recorded('1.37-iptables-stale-node'), 'node-3');
    const news = driftedPorts(drift).map(({ label, explain }) => {
      const endpoints = explain().endpoints.map(({ kind, endpoint, now }) => `${kind} ${endpoint} ${now ?? ''}`);
      return [label, ...endpoints.sort()];
    });
    const front = (label: string, port: number) => [
      label,
      `missing 10.244.2.4:${port} front-86f8476988-mmb8r`,
      `moved 10.244.1.1:${port} cart-858f4fdc45-lgsrf`,
    ];
    const cart = (label: string) => [label, 'missing 10.244.1.1:9090 cart-858f4fdc45-lgsrf'];
    assert.deepEqual(
      news.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)).filter(([label]) => label !== 'shop/legacy'),
      [
        cart('shop/cart'),
        cart('shop/cart-local'),
        front('shop/dns:dns', 8080),
        front('shop/dns:dns-tcp', 8080),
        front('shop/dns:sig', 8080),
        front('shop/front-nodeport:http', 8080),
        ['shop/front-zone', 'missing 10.244.2.4:8080 front-86f8476988-mmb8r'],
        front('shop/front:http', 8080),
        front('shop/front:https', 8443),
        cart('shop/public-local:http'),
        front('shop/public:http', 8080),
      ],
    );
    assert.ok(news.some(([label]) => label === 'shop/legacy'));
  });

  test('says whose the stale address is now, and who gets nothing', async () => {
    const drift = driftOf(await recorded('1.37-iptables-stale-node'), 'node-3');
    const [front] = driftedPorts(drift).filter((port) => port.label === 'shop/front:http');
    assert.deepEqual(
      front?.explain().consequences.map((each) => each.words),
      [
        'from node-3, a third of the connections to shop/front:http go to 10.244.1.1:8080, which is cart-858f4fdc45-lgsrf now; front-86f8476988-mmb8r (10.244.2.4:8080) gets none',
      ],
    );
  });

  test('says that the new external IP is not known there, and that the old one still is', async () => {
    const drift = driftOf(await recorded('1.37-iptables-stale-node'), 'node-3');
    const words = driftedPorts(drift)
      .filter((port) => port.label === 'shop/legacy')
      .flatMap((port) => port.explain().consequences.map((each) => each.words));
    assert.match(words.join('\n'), /external IP 192\.0\.2\.11:8000 are translated by no rule/);
    assert.match(words.join('\n'), /192\.0\.2\.10:8000, which is no way to shop\/legacy, go to/);
  });
});

describe('a share that is off by little', () => {
  test('is told with as many digits as it takes to see it', async () => {
    const edit = (text: string): string =>
      text.replace(/(-A KUBE-SVC-4XI5CTFPAP7AFMBM .*--probability )0\.33333333349/, '$10.33300000010');
    const drift = driftOf(await recorded('1.37-iptables-nft'), 'node-1', edited('iptables-save.txt', edit));
    const [word] = driftedPorts(drift).flatMap((port) => port.explain().consequences.map((each) => each.words));
    assert.match(word ?? '', /gets 33\.35 % of the connections to shop\/dns:dns instead of 33\.33 %/);
  });
});

describe('rules of two backends on one node', () => {
  test('act both: the older ones where the newer do not translate', async () => {
    const drift = driftOf(await recorded('1.37-iptables-both-backends'), 'node-2');
    const [leftover] = drift.kind === 'compared' ? drift.families.flatMap((family) => family.leftovers) : [];
    assert.equal(leftover?.where, 'iptables-nft');
    assert.deepEqual(
      leftover.decides.map(({ where }) => where),
      ['iptables-legacy', 'iptables-nft'],
    );
    assert.deepEqual(
      leftover.acts.map(({ label }) => label),
      ['shop/cart-local', 'shop/node-cache', 'shop/public-local:http'],
    );
  });

  test('are told where the older ones change nothing', async () => {
    const drift = driftOf(await recorded('1.37-iptables-both-backends'), 'node-1');
    const [leftover] = drift.kind === 'compared' ? drift.families.flatMap((family) => family.leftovers) : [];
    assert.equal(leftover?.where, 'iptables-nft');
    assert.deepEqual(leftover.acts, []);
  });
});

describe('a change that is younger than a sync', () => {
  /** All endpoints changed then. */
  function withTrigger(cluster: Recorded, at: number): Recorded {
    const touch = (slice: EndpointSlice): EndpointSlice => ({
      ...slice,
      metadata: {
        ...slice.metadata,
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(at).toISOString() },
      },
    });
    return { ...cluster, objects: { ...cluster.objects, endpointSlices: cluster.objects.endpointSlices.map(touch) } };
  }

  test('is pending, with its age, and drift once it is overdue', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const capture = cluster.captures.get('node-3')!;
    const young = driftOf(withTrigger(cluster, capture.at - 1500), 'node-3');
    assert.equal(isDrifted(young), false);
    assert.ok(driftedPorts(young).length > 0);
    for (const port of driftedPorts(young)) assert.equal(port.pending?.age, 1500);

    const before = driftOf(withTrigger(cluster, capture.at + 60_000), 'node-3');
    assert.equal(isDrifted(before), false, 'rules that were read before the change cannot hold it');

    const old = driftOf(withTrigger(cluster, capture.at - 60_000), 'node-3');
    assert.equal(isDrifted(old), true);
    for (const port of driftedPorts(old)) assert.equal(port.pending, undefined);
  });

  test('is pending for longer where kube-proxy says that it has yet to write what it learned, unless it has not written for long', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const { at } = cluster.captures.get('node-3')!;
    const seconds = (ago: number) => (at - ago) / 1000;
    const metrics = (queued: number, synced: number) => (dumps: readonly Dump[]) => [
      ...dumps,
      {
        name: 'metrics.txt' as const,
        from: 'curl',
        complete: true,
        text: [
          `kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds ${seconds(queued)}`,
          `kubeproxy_sync_proxy_rules_last_timestamp_seconds ${seconds(synced)}`,
        ].join('\n'),
      },
    ];
    const age = 10_000;
    const changed = withTrigger(cluster, at - age);
    const drifts = (queued: number, synced: number) => isDrifted(driftOf(changed, 'node-3', metrics(queued, synced)));
    assert.equal(drifts(age + 60_000, age + 59_000), true, 'kube-proxy knows of no change since its last sync');
    assert.equal(drifts(800, age + 59_000), false, 'it learned of one 0.8 s ago');
    assert.equal(drifts(800, age - 1000), true, 'its last sync was after this change, which it does not show');
    assert.equal(drifts(age - 1000, age + 59_000), true, 'it should have been written long since');
  });

  test('of a Service that is gone is pending as well, where a watch saw it go', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const gone = 'shop/front';
    const without = {
      ...cluster.objects,
      services: cluster.objects.services.filter(({ metadata }) => `${metadata.namespace}/${metadata.name}` !== gone),
    };
    const capture = cluster.captures.get('node-1')!;
    const drift = (ago: number | undefined) => {
      const changedAt = (service: string) => (service === gone && ago !== undefined ? capture.at - ago : undefined);
      const { network } = nodeNetwork('node-1', without, capture);
      return nodeDrift({ objects: without, capture, network, changedAt });
    };
    assert.ok(driftedPorts(drift(undefined)).some(({ service, pending }) => service === gone && !pending));
    assert.equal(isDrifted(drift(500)), false);
    assert.equal(isDrifted(drift(60_000)), true);
  });
});

describe('a dump that is cut off', () => {
  test('has nothing missing behind its end, and still shows what is wrong before it', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const half = (text: string) => text.slice(0, text.indexOf('-A KUBE-SVC-') + 20);
    const cut = (dumps: Parameters<ReturnType<typeof edited>>[0]) =>
      edited(
        'iptables-save.txt',
        half,
      )(dumps).map((dump) => (dump.name === 'iptables-save.txt' ? { ...dump, complete: false } : dump));
    const drift = driftOf(cluster, 'node-1', cut);
    assert.deepEqual(drift.kind === 'compared' && drift.truncated, ['iptables-save.txt']);
    assert.equal(isDrifted(drift), false, sentences(drift).join('\n'));

    const wrong = driftOf(cluster, 'node-1', (dumps) =>
      cut(
        edited('iptables-save.txt', (text) =>
          text.replace(/--to-destination 10\.244\.\d+\.\d+/, '--to-destination 10.9.9.9'),
        )(dumps),
      ),
    );
    assert.equal(isDrifted(wrong), true);
  });
});

describe('a node that holds nothing of kube-proxy', () => {
  test('is told as such, not as drift', async () => {
    const drift = driftOf(await recorded('1.37-iptables-nft'), 'node-1', (dumps) =>
      dumps.map((dump) =>
        dump.name.startsWith('ip')
          ? { ...dump, text: '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n' }
          : { ...dump, text: '' },
      ),
    );
    assert.equal(drift.kind, 'unknown');
    assert.equal(drift.kind === 'unknown' && drift.reason, 'none');
    assert.equal(isDrifted(drift), false);
  });
});
