import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import { sideBySide } from '../../src/diagnosis/side-by-side.ts';
import type { Dump } from '../../src/kubernetes/source.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { changedObjects } from './changed-objects.ts';
import { driftOf, recorded, RECORDINGS, told } from './recorded.ts';

const without = (name: Dump['name']) => (dumps: readonly Dump[]) => dumps.filter((dump) => dump.name !== name);

describe('a node whose nft prints no JSON', () => {
  for (const name of RECORDINGS.filter((each) => each.includes('nftables')))
    test(`is compared by its text, with the same result after every change of the API's objects: ${name}`, async () => {
      const cluster = await recorded(name);
      let changes = 0;
      let lines = 0;
      for (const objects of changedObjects(cluster.objects, 11)) {
        for (const [node, capture] of cluster.captures) {
          const { network } = nodeNetwork(node, objects, capture);
          const by = (dump: Dump['name']) => {
            const only = { ...capture, dumps: without(dump)(capture.dumps) };
            return nodeDrift({ objects, capture: only, network });
          };
          const [json, text] = [told(by('nft.txt')), told(by('nft.json'))];
          assert.deepEqual(text, json, `${node} after ${changes} changes`);
          lines += json.length;
        }
        if (++changes >= 4) break;
      }
      assert.ok(lines > 40, `${lines} lines of drift`);
    });

  test('shows expected and actual rules side by side all the same', async () => {
    const cluster = await recorded('1.35-nftables');
    const capture = cluster.captures.get('node-1')!;
    const { network } = nodeNetwork('node-1', cluster.objects, capture);
    const by = (dump: Dump['name']) =>
      sideBySide({ objects: cluster.objects, capture: { ...capture, dumps: without(dump)(capture.dumps) }, network });
    assert.deepEqual(by('nft.json'), by('nft.txt'));
  });

  test('has rules with their lines', async () => {
    const cluster = await recorded('1.35-nftables');
    const { dumps } = cluster.captures.get('node-1')!;
    const text = dumps.find(({ name }) => name === 'nft.txt')!.text;
    // Another address than the endpoint's.
    const wrong = text.replace(/dnat to 10\.244\.0\.1:8080/, 'dnat to 10.9.9.9:8080');
    assert.notEqual(wrong, text);
    const drift = driftOf(cluster, 'node-1', () =>
      without('nft.json')(dumps).map((dump) => (dump.name === 'nft.txt' ? { ...dump, text: wrong } : dump)),
    );
    assert.ok(drift.kind === 'compared');
    const [port] = drift.families.flatMap((family) => family.drifted);
    const [extra] = port!.differences.flatMap((difference) => difference.extra);
    assert.match(wrong.split('\n')[extra!.line! - 1]!, /dnat to 10\.9\.9\.9:8080/);
  });

  test('whose text is cut off cannot be compared', async () => {
    const cluster = await recorded('1.35-nftables');
    const drift = driftOf(cluster, 'node-1', (dumps) =>
      without('nft.json')(dumps).map((dump) =>
        dump.name === 'nft.txt' ? { ...dump, text: dump.text.slice(0, 20_000), complete: false } : dump,
      ),
    );
    assert.equal(drift.kind === 'unknown' && drift.reason, 'unreadable');
  });
});
