import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterSource, NodeCapture, NodeRules } from '../../src/kubernetes/source.ts';
import { isQuick, programIn } from '../../src/translation/read-node.ts';
import { ReadAhead } from '../../src/views/read-ahead.ts';
import { clusterDump } from '../bench/cluster.ts';

const text = clusterDump(2_000, 5);

function captureOf(node: string, of = text): NodeCapture {
  const dumps = [{ name: 'iptables-save.txt' as const, text: of, from: 'iptables-save', complete: true }];
  return { node, at: 0, dumps, problems: [] };
}

function sourceOf(captures: readonly NodeCapture[]): ClusterSource {
  const rules = (node: string): NodeRules => {
    const capture = captures.find((one) => one.node === node);
    return capture ? { kind: 'captured', capture } : { kind: 'none' };
  };
  return { rules } as unknown as ClusterSource;
}

test('the rules of big nodes are read one after another, and each is told when it can be asked', async () => {
  const captures = [captureOf('node-1'), captureOf('node-2'), captureOf('small', '*nat\nCOMMIT\n')];
  assert.deepEqual(captures.map(isQuick), [false, false, true]);
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    const ahead = new ReadAhead((node) => {
      told.push(node);
      if (told.length === 2) resolve();
    });
    ahead.look(sourceOf(captures), ['node-1', 'node-2', 'small', 'unread']);
  });
  assert.deepEqual(told, ['node-1', 'node-2']);
  assert.deepEqual(captures.map(isQuick), [true, true, true]);
  const nat = programIn(captures[0]!).tables.find((table) => table.name === 'nat')!;
  assert.equal(nat.chains.get('KUBE-SERVICES')?.length, 2_001);
});

test('others have their turn while a big dump is read', async () => {
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  await new Promise<void>((resolve) => {
    new ReadAhead(() => resolve()).look(sourceOf([captureOf('node-1', clusterDump(5_000, 10))]), ['node-1']);
  });
  clearInterval(counting);
  assert.ok(turns > 1, `${turns} turns`);
});

test('how far a node is read is shown while it is, and no longer', async () => {
  const shown: (readonly [node: string, share: number | 'end'])[] = [];
  await new Promise<void>((resolve) => {
    const ahead = new ReadAhead(
      () => resolve(),
      async (node, read) => {
        await read((share) => shown.push([node, share]));
        shown.push([node, 'end']);
      },
    );
    ahead.look(sourceOf([captureOf('node-1', clusterDump(10_000, 10))]), ['node-1']);
  });
  assert.deepEqual(shown.at(-1), ['node-1', 'end']);
  const shares = shown.slice(0, -1).map(([, share]) => Number(share));
  assert.ok(shares.length > 1 && shares.every((share) => share >= 0 && share <= 1), String(shares));
  assert.deepEqual(
    shares,
    [...shares].sort((a, b) => a - b),
  );
});

test('another cluster ends the reading, and is read in its turn', async () => {
  const [old, next] = [captureOf('old'), captureOf('next')];
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    const ahead = new ReadAhead((node) => {
      told.push(node);
      if (node === 'next') resolve();
    });
    ahead.look(sourceOf([old]), ['old']);
    ahead.clear();
    ahead.look(sourceOf([next]), ['next']);
  });
  assert.deepEqual(told, ['next']);
  assert.equal(isQuick(old), false);
});

test('a node that cannot be read keeps no other one from being read', async () => {
  const captures = [captureOf('node-1'), captureOf('node-2')];
  const told: string[] = [];
  await new Promise<void>((resolve) => {
    const ahead = new ReadAhead(
      (node) => {
        told.push(node);
        resolve();
      },
      (node, read) => (node === 'node-1' ? Promise.reject(new Error('broken')) : read(() => undefined)),
    );
    ahead.look(sourceOf(captures), ['node-1', 'node-2']);
  });
  assert.deepEqual(told, ['node-2']);
});

test('of a node that was read again before its rules were sorted only the newest are', async () => {
  const [old, newest] = [captureOf('node-1'), captureOf('node-1')];
  await new Promise<void>((resolve) => {
    const ahead = new ReadAhead(() => resolve());
    ahead.look(sourceOf([old]), ['node-1']);
    ahead.look(sourceOf([newest]), ['node-1']);
  });
  assert.deepEqual([old, newest].map(isQuick), [false, true]);
});
