import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterObjects } from '../../src/kubernetes/objects.ts';
import type { ClusterSource, NodeCapture, NodeRules } from '../../src/kubernetes/source.ts';
import { isQuick, readAhead } from '../../src/translation/read-node.ts';
import { AfterCapture } from '../../src/views/after-capture.ts';
import type { TrafficChange } from '../../src/views/context.ts';
import { historyIn, remember } from '../../src/views/history.ts';
import { latencyRows } from '../../src/views/latency-rows.ts';
import { eventWords, timelineOf } from '../../src/views/timeline.ts';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import path from 'node:path';

process.env['TZ'] = 'UTC';

/** A cluster whose node-3 has not programmed a rollout, as a live one: what it shows next is up to the test. */
async function live(): Promise<{
  readonly source: ClusterSource;
  readonly stale: NodeCapture;
  readonly healed: NodeCapture;
  show(capture: NodeCapture): void;
  touch(at: number): void;
  readonly asked: string[];
}> {
  const recording = await openRecording(path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node'));
  const captured = (node: string): NodeCapture => {
    const rules = recording.rules(node);
    assert.ok(rules.kind === 'captured');
    return rules.capture;
  };
  const stale = captured('node-3');
  // As its own kube-proxy would have written them: node-1's, for the Services that do not care on which node they are.
  const healed = { ...captured('node-1'), node: 'node-3' };
  let rules: NodeRules = { kind: 'none' };
  let { objects } = recording;
  const asked: string[] = [];
  const source: ClusterSource = {
    name: 'x',
    kind: 'live',
    location: '',
    state: recording.state,
    get objects(): ClusterObjects {
      return objects;
    },
    rules: (node) => (node === 'node-3' ? rules : { kind: 'none' }),
    onDidChange: () => ({ dispose: () => undefined }),
    capture: async (nodes) => void asked.push(...nodes),
    dispose: () => undefined,
  };
  return {
    source,
    stale,
    healed,
    asked,
    show: (capture) => (rules = { kind: 'captured', capture }),
    touch: (at) => {
      const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(at).toISOString() };
      const endpointSlices = objects.endpointSlices.map((slice) =>
        slice.metadata.labels?.['kubernetes.io/service-name'] === 'cart'
          ? { ...slice, metadata: { ...slice.metadata, annotations } }
          : slice,
      );
      objects = { ...objects, endpointSlices };
    },
  };
}

test("a node's timeline tells when a change was not there yet, and when it was", async () => {
  const { source, stale, healed, show } = await live();
  show(stale);
  await remember(source, 'node-3');
  const words = (): readonly string[] => timelineOf(historyIn(source, 'node-3')).map(eventWords);
  assert.match(words()[0]!, /^17:03:2\d read: .*shop\/cart not programmed after 1\d s.*, \d+ drifted$/);
  assert.ok(
    words().some((each) => /^17:03:16 .*shop\/cart.* changed$/.test(each)),
    words().join('\n'),
  );

  show({ ...healed, at: stale.at + 5000 });
  await remember(source, 'node-3');
  const [newest] = words();
  assert.match(newest!, /shop\/cart programmed 1\d to 1\d s after its change/);
  assert.equal(words().filter((each) => each.includes('shop/cart') && each.endsWith('changed')).length, 1);

  show({ ...healed, at: stale.at + 9000 });
  await remember(source, 'node-3');
  assert.doesNotMatch(words()[0]!, /shop\/cart programmed/, 'it is told once');
  assert.equal(historyIn(source, 'node-3').moments.length, 3);
});

test('a capture is remembered once, however often it is looked at', async () => {
  const { source, stale, show } = await live();
  show(stale);
  for (let i = 0; i < 3; i++) await remember(source, 'node-3');
  assert.equal(historyIn(source, 'node-3').moments.length, 1);
});

test('a capture that is older than the newest when it has been compared is not remembered', async () => {
  const { source, stale, healed, show } = await live();
  show(stale);
  const older = remember(source, 'node-3');
  show({ ...healed, at: stale.at + 5000 });
  await remember(source, 'node-3');
  assert.equal((await older)?.at, stale.at);
  assert.deepEqual(
    historyIn(source, 'node-3').moments.map(({ at }) => at),
    [stale.at + 5000],
  );
});

test('another node of the same name has a timeline of its own', async () => {
  const { source, stale, show } = await live();
  show(stale);
  await remember(source, 'node-3');
  show({ ...stale, at: stale.at + 5000 });
  const nodes = source.objects.nodes.map((node) => ({ ...node, metadata: { ...node.metadata, uid: 'another' } }));
  const objects = { ...source.objects, nodes };
  Object.defineProperty(source, 'objects', { get: () => objects });
  assert.equal(historyIn(source, 'node-3').moments.length, 0);
  await remember(source, 'node-3');
  assert.equal(historyIn(source, 'node-3').moments.length, 1);
});

test('below a node: what kube-proxy says of its syncs, and the timeline', async () => {
  const { source, stale, show } = await live();
  const text = [
    'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"} 1763917386.5',
    'kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1763917380',
    'kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 2.5',
    'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 10',
    'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="0.5"} 60',
    'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} 60',
    'kubeproxy_sync_proxy_rules_iptables_restore_failures_total 3',
  ].join('\n');
  show({
    ...stale,
    at: 1763917390_000,
    dumps: [...stale.dumps, { name: 'metrics.txt', from: 'curl', complete: true, text }],
  });
  await remember(source, 'node-3');
  const rows = latencyRows(source, 'node-3');
  const facts = rows.flatMap((row) => (row.kind === 'fact' ? [`${row.label}: ${row.value}`] : []));
  assert.match(facts[0]!, /^Last sync: \d\d:03:00 · 0\.3 s on average · one was due for 3\.5 s$/);
  assert.equal(facts[1], 'Programming: half of the changes within 0.5 s, 99 in 100 within 0.5 s');
  const problem = rows.find((row) => row.kind === 'problem');
  assert.match(problem?.message ?? '', /^3 syncs failed/);
  assert.match(problem?.advice ?? '', /kubectl -n kube-system logs kube-proxy-\w{5}$/);
  const timeline = rows.find((row) => row.kind === 'group');
  assert.ok(timeline?.kind === 'group' && timeline.label === 'Timeline' && timeline.rows.length > 0);
});

test("a timeline's row says the newest that a reading told, and that nothing has changed only where nothing has", async () => {
  const { source, stale, healed, show, touch } = await live();
  const value = async (): Promise<string | undefined> => {
    await remember(source, 'node-3');
    const row = latencyRows(source, 'node-3').find((each) => each.kind === 'group');
    return row?.kind === 'group' ? row.value : undefined;
  };
  const later = (ms: number): NodeCapture => ({ ...healed, at: stale.at + ms });
  show(later(3_600_000));
  assert.equal(await value(), 'nothing has changed since it was first read');
  touch(stale.at + 3_601_000);
  show({ ...stale, at: stale.at + 3_602_000 });
  assert.match((await value())!, /shop\/cart pending, \d+ drifted$/);
  show(later(3_603_000));
  assert.match((await value())!, /^shop\/cart programmed 1 to 2 s after its change/);
  show(later(3_604_000));
  assert.match((await value())!, /^shop\/cart programmed 1 to 2 s after its change/);
});

test('a recording has no timeline', async () => {
  const { source, stale, show } = await live();
  show(stale);
  const recording: ClusterSource = { ...source, kind: 'recording', objects: source.objects };
  await remember(recording, 'node-3');
  assert.deepEqual(latencyRows(recording, 'node-3'), []);
});

async function after(given: Awaited<ReturnType<typeof live>>) {
  const listeners: ((change: TrafficChange) => void)[] = [];
  const problems: unknown[] = [];
  const traffic = {
    source: given.source,
    onDidChange: (listener: (change: TrafficChange) => void) => {
      listeners.push(listener);
      return { dispose: () => undefined };
    },
    log: { error: (...words: unknown[]) => void problems.push(words) },
  };
  const working = new AfterCapture(traffic as unknown as ConstructorParameters<typeof AfterCapture>[0]);
  const told = (): void => {
    for (const listener of listeners) listener({ source: false, objects: [], nodes: ['node-3'] });
  };
  const captured = async (capture: NodeCapture): Promise<void> => {
    given.show(capture);
    const before = historyIn(given.source, 'node-3').moments[0];
    told();
    for (const end = performance.now() + 5000; historyIn(given.source, 'node-3').moments[0] === before;) {
      assert.ok(performance.now() < end, 'it was compared');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { working, captured, told, problems };
}

test('a node is read once more when what was pending there is due, and not over and over', async (t) => {
  const given = await live();
  const { working, captured, problems } = await after(given);
  t.after(() => working.dispose());
  const { stale } = given;
  // All that node-3 lacks, as of a second before it was read.
  given.touch(stale.at - 1000);
  await captured(stale);
  assert.deepEqual(problems, []);
  const [moment] = historyIn(given.source, 'node-3').moments;
  assert.deepEqual(
    moment?.pending.map(({ service }) => service),
    ['shop/cart'],
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(given.asked, [], 'not before it is due');
  for (const end = performance.now() + 5000; given.asked.length === 0 && performance.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(given.asked, ['node-3']);
});

test('a node that somebody reads before that is left alone, and so is one of a cluster that is shown no more', async () => {
  const given = await live();
  const { working, captured } = await after(given);
  const { stale } = given;
  given.touch(stale.at - 2900);
  await captured(stale);
  given.show({ ...stale, at: stale.at + 60_000 });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.deepEqual(given.asked, []);

  given.touch(stale.at + 99_000 - 2900);
  await captured({ ...stale, at: stale.at + 99_000 });
  working.dispose();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.deepEqual(given.asked, []);
});

test('a node whose rules are sorted only after they were read is read once more, and not over and over', async (t) => {
  const given = await live();
  const { working, captured, told } = await after(given);
  t.after(() => working.dispose());
  const { stale } = given;
  const big = (at: number): NodeCapture => ({
    ...stale,
    at,
    dumps: stale.dumps.map((dump) =>
      dump.name === 'ip6tables-save.txt' ? { ...dump, text: `${'#\n'.repeat(600_000)}${dump.text}` } : dump,
    ),
  });
  const sorted = async (capture: NodeCapture): Promise<void> => {
    given.show(capture);
    told();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(isQuick(capture), false);
    await readAhead(capture, {});
    await captured(capture);
  };
  given.touch(stale.at - 2900);
  await sorted(big(stale.at));
  for (const end = performance.now() + 5000; given.asked.length === 0 && performance.now() < end;)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(given.asked, ['node-3']);
  await sorted(big(stale.at + 10));
  assert.equal(historyIn(given.source, 'node-3').moments[0]?.pending.length, 1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.deepEqual(given.asked, ['node-3']);
});
