import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { byTrouble, CATALOGUE, fill, type Finding } from '../../src/diagnosis/catalogue.ts';
import { findingSlices, findingsOf } from '../../src/diagnosis/findings.ts';
import type { NodeView } from '../../src/diagnosis/node-findings.ts';
import { expectedRules, expectedText, nodeProxy } from '../../src/kubeproxy/expected.ts';
import type { Dump, NodeRules } from '../../src/kubernetes/source.ts';
import { inOneGo } from '../../src/netfilter/slices.ts';
import { driftOf, edited, recorded, RECORDINGS, type Recorded } from './recorded.ts';

/** With each node's dumps changed before they are looked at. */
function findings(
  cluster: Recorded,
  change: (dumps: readonly Dump[]) => readonly Dump[] = (dumps) => dumps,
): readonly Finding[] {
  const nodes = [...cluster.captures].map(([node, capture]): NodeView => {
    const rules: NodeRules = { kind: 'captured', capture: { ...capture, dumps: change(capture.dumps) } };
    return { node, rules, drift: driftOf(cluster, node, change) };
  });
  return findingsOf(cluster.objects, nodes);
}

function brief(list: readonly Finding[]): readonly string[] {
  return list.map(({ name, service, node }) => [name, service, node].filter((part) => part).join(' '));
}

/** The three Services of the recorded shop that are wrong in the API already. */
const SHOP = ['selector-label shop/typo', 'no-named-port shop/wrong-port', 'none-ready shop/slow'];

describe('the findings', () => {
  for (const recording of RECORDINGS.filter((name) => !/stale|both|1\.37-nftables/.test(name)))
    test(`about ${recording} are those of its objects alone`, async () => {
      assert.deepEqual(brief(findings(await recorded(recording))), SHOP);
    });

  test('about a kube-proxy that missed its node’s zone name that reason', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const wrote = (zoned: boolean): readonly Finding[] => {
      const nodes = cluster.objects.nodes.map((node) => {
        if (zoned || node.metadata.name !== 'node-1') return node;
        return { ...node, metadata: { ...node.metadata, labels: { 'kubernetes.io/hostname': 'node-1' } } };
      });
      const capture = cluster.captures.get('node-1')!;
      const objects = { ...cluster.objects, nodes };
      const expected = expectedRules(objects, nodeProxy(objects, 'node-1', capture.dumps), capture.dumps);
      const changed = edited('iptables-save.txt', () => expectedText(expected, 4)!);
      const rules: NodeRules = { kind: 'captured', capture: { ...capture, dumps: changed(capture.dumps) } };
      return findingsOf(cluster.objects, [{ node: 'node-1', rules, drift: driftOf(cluster, 'node-1', changed) }]);
    };
    assert.deepEqual(brief(wrote(true)), SHOP);
    const [missed] = wrote(false).filter(({ name }) => name === 'zone-missed');
    assert.match(missed!.message, /^kube-proxy on node-1 writes as if .* hints of shop\/front-zone\.$/);
    assert.match(missed!.advice, /kubectl -n kube-system delete pod kube-proxy-/);
  });

  test('about the stale node: what drifted there, and that its kube-proxy is behind', async () => {
    const found = findings(await recorded('1.37-iptables-stale-node'));
    const drift = found.filter(({ name }) => name === 'drift');
    assert.equal(drift.length, 12);
    assert.deepEqual([...new Set(drift.map(({ node }) => node))], ['node-3']);
    const [behind] = found.filter(({ name }) => name === 'proxy-behind');
    assert.match(
      behind!.message,
      /^kube-proxy on node-3 has not written since 2026-11-23 17:03:16 UTC at the latest: a change of then, of shop\/cart,/,
    );
    const front = drift.find(({ service, port }) => service === 'shop/front' && port === 'http')!;
    assert.deepEqual(
      front.evidence!.rules.filter(({ kind }) => kind === 'extra').map(({ line, chain }) => [chain, typeof line]),
      [
        ['KUBE-SVC-LQHX3O73FPKHOFRJ', 'number'],
        ['KUBE-SVC-LQHX3O73FPKHOFRJ', 'number'],
      ],
    );
  });

  test('about a kube-proxy that is behind say since when only where that is certain', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const since = (
      annotations: Record<string, string>,
      seen: Partial<NodeView> = {},
      metrics?: string,
    ): string | undefined => {
      const endpointSlices = cluster.objects.endpointSlices.map((slice) => ({
        ...slice,
        metadata: { ...slice.metadata, annotations },
      }));
      const changed = { ...cluster, objects: { ...cluster.objects, endpointSlices } };
      const nodes = [...cluster.captures].map(([node, capture]): NodeView => {
        const more: readonly Dump[] = metrics
          ? [{ name: 'metrics.txt', from: 'curl', complete: true, text: metrics }]
          : [];
        const dumps = [...capture.dumps, ...more];
        return {
          node,
          rules: { kind: 'captured', capture: { ...capture, dumps } },
          drift: driftOf(changed, node),
          ...seen,
        };
      });
      const behind = findingsOf(changed.objects, nodes).find(({ name }) => name === 'proxy-behind');
      return behind && /since (.*) at the latest/.exec(behind.message)?.[1];
    };
    const at = Date.parse('2026-11-23T17:03:15Z');
    const told = { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-11-23T17:03:15Z' };
    assert.equal(since(told), '2026-11-23 17:03:15 UTC');
    assert.equal(since({}), undefined, 'an endpoint went, and the Services’ creation says nothing of it');
    assert.equal(since({}, { changedAt: () => at }), '2026-11-23 17:03:15 UTC', 'a watch saw it');
    const synced = (time: number): string =>
      `kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} ${time / 1000}`;
    assert.equal(since(told, {}, synced(at + 1000)), undefined, 'it has written since');
    assert.equal(since(told, {}, synced(at - 1000)), '2026-11-23 17:03:15 UTC');
  });

  test('about a kube-proxy whose syncs fail say so, where its metrics say that one is due', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const found = (queued: number, failures: number) =>
      findings(cluster, (dumps) => [
        ...dumps,
        {
          name: 'metrics.txt',
          from: 'curl',
          complete: true,
          text: [
            `kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} ${queued}`,
            'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1795522830',
            `kubeproxy_sync_proxy_rules_iptables_restore_failures_total ${failures}`,
          ].join('\n'),
        },
      ]).filter(({ code }) => code === 'ST212');
    assert.match(
      found(1795522834, 3)[0]!.message,
      /^kube-proxy on node-1 fails to write its rules: 3 syncs .* at 2026-11-24 12:20:34 UTC is not written\.$/,
    );
    assert.deepEqual(found(1795522829, 3), [], 'it has written since');
    assert.deepEqual(found(1795522834, 0), [], 'it is about to write');
  });

  test('about a Service that changed after the rules were read say that, and not how old the change is', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const endpointSlices = cluster.objects.endpointSlices.map((slice) => ({
      ...slice,
      metadata: {
        ...slice.metadata,
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-11-23T18:00:00Z' },
      },
    }));
    const found = findings({ ...cluster, objects: { ...cluster.objects, endpointSlices } });
    const [first] = found.filter(({ code, service }) => code === 'ST303' && service === 'shop/front');
    assert.match(first!.message, /^shop\/front:http on node-3: it has changed since the rules were read\.$/);
    assert.equal(found.filter(({ name }) => name === 'drift').length, 0);
  });

  test('about a node where much has drifted tell some of it in full, the rest by name, where that is asked', async () => {
    const cluster = await recorded('1.37-iptables-stale-node');
    const nodes = [...cluster.captures].map(([node, capture]): NodeView => {
      return { node, rules: { kind: 'captured', capture }, drift: driftOf(cluster, node) };
    });
    const found = inOneGo(findingSlices(cluster.objects, nodes, 5));
    assert.equal(found.filter(({ name }) => name === 'drift').length, 5);
    const [more] = found.filter(({ name }) => name === 'more-drift');
    assert.match(more!.message, /^node-3: 7 more Service ports have drifted: shop\/\S+, shop\/\S+ and 5 more\.$/);
  });

  test('about two backends say which rules decide, node by node', async () => {
    const found = findings(await recorded('1.37-iptables-both-backends')).filter(({ code }) => code === 'ST206');
    assert.deepEqual(
      found.map(({ node }) => node),
      ['node-1', 'node-2', 'node-3'],
    );
    assert.match(
      found[0]!.message,
      /those of iptables-legacy decide all \d+ kinds of packets to Services, those of iptables-nft decide none\.$/,
    );
    assert.match(
      found[1]!.message,
      /those of iptables-nft decide \d+, of shop\/cart-local, shop\/node-cache and shop\/public-local:http\.$/,
    );
  });

  test('about a node whose dump is cut off say where', async () => {
    const cut = (dumps: readonly Dump[]) =>
      edited('iptables-save.txt', (text) => text.slice(0, text.indexOf('-A KUBE-SVC-') + 20))(dumps).map((dump) =>
        dump.name === 'iptables-save.txt' ? { ...dump, complete: false } : dump,
      );
    const found = findings(await recorded('1.37-iptables-nft'), cut).filter(({ name }) => name === 'truncated');
    assert.equal(found.length, 3);
    assert.match(found[0]!.message, /^iptables-save\.txt of node-1 is cut off: it ends in line \d+, "-A KUBE-SVC-/);
  });

  test('about rules that iptables garbled name the first line', async () => {
    const garble = edited('iptables-save.txt', (text) =>
      text.replace(/-j DNAT --to-destination \S+/, '-j DNAT [unsupported revision]'),
    );
    const [found] = findings(await recorded('1.37-iptables-nft'), garble).filter(({ name }) => name === 'unreadable');
    assert.match(
      found!.message,
      /^node-1 has rules that cannot be read \(1\), the first in line \d+ of iptables-save\.txt: -A KUBE-SEP-/,
    );
  });

  test('about a node without kube-proxy say so, and call nothing missing', async () => {
    const found = findings(await recorded('1.37-iptables-nft'), (dumps) =>
      dumps.map((dump) => ({ ...dump, text: '' })),
    );
    assert.deepEqual(
      brief(found).filter((each) => each.includes('node-1')),
      ['no-kube-proxy node-1'],
    );
  });

  test('about a node with half a listing of nft say that it cannot be compared', async () => {
    const cluster = await recorded('1.35-nftables');
    const found = findings(cluster, (dumps) =>
      dumps
        .filter((dump) => dump.name !== 'nft.json')
        .map((dump) => (dump.name === 'nft.txt' ? { ...dump, text: dump.text.slice(0, 20_000) } : dump)),
    );
    assert.deepEqual(
      brief(found).filter((each) => each.includes('node-1')),
      ['not-comparable node-1'],
    );
  });

  test('about a kube-proxy that does not run, and one that is missing', async () => {
    const cluster = await recorded('1.37-iptables-nft');
    const isProxy = (pod: (typeof cluster.objects.pods)[number], node: string) =>
      pod.metadata.labels?.['k8s-app'] === 'kube-proxy' && pod.spec?.nodeName === node;
    const pods = cluster.objects.pods
      .filter((pod) => !isProxy(pod, 'node-2'))
      .map((pod) =>
        isProxy(pod, 'node-3') ? { ...pod, status: { ...pod.status, phase: 'Failed', conditions: [] } } : pod,
      );
    const found = brief(findings({ ...cluster, objects: { ...cluster.objects, pods } }));
    assert.ok(found.includes('proxy-missing node-2'), found.join());
    assert.ok(found.includes('proxy-not-running node-3'), found.join());
  });

  test('come with trouble first', async () => {
    const found = findings(await recorded('1.37-iptables-both-backends'));
    assert.deepEqual([...found].sort(byTrouble), found);
    const order = found.map(({ severity }) => severity);
    assert.ok(
      order.lastIndexOf('error') < order.indexOf('warning') && order.lastIndexOf('warning') < order.indexOf('info'),
    );
  });
});

describe('the catalogue', () => {
  test('gives each code to one subject: what is about nodes is 2xx or 3xx', () => {
    for (const [name, { code, message }] of Object.entries(CATALOGUE)) {
      assert.match(code, /^ST[123]\d\d$/, name);
      if (code.startsWith('ST1')) assert.match(message, /^\{service\}/, name);
      else assert.match(message, /\{node\}/, name);
    }
  });

  test('has whole sentences, with advice', () => {
    for (const [name, { message, advice }] of Object.entries(CATALOGUE)) {
      assert.match(message, /[.}]$/, name);
      assert.match(advice, /[.}]$/, name);
    }
  });

  test('fills every placeholder that it has a value for', () => {
    assert.equal(fill('{a} and {b}, {c}', { a: '1', b: '2' }), '1 and 2, {c}');
  });
});
