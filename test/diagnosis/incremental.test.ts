import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeDrift } from '../../src/diagnosis/drift.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { changedObjects } from './changed-objects.ts';
import { recorded, told } from './recorded.ts';

const CHANGES = 10;

describe('drift after a change, with what was known before', () => {
  for (const [name, node] of [
    ['1.29-nftables', 'node-1'],
    ['1.33-nftables', 'node-2'],
    ['1.35-nftables', 'node-3'],
    ['1.37-nftables', 'node-1'],
    ['1.24-iptables-nft', 'node-1'],
    ['1.37-iptables-nft', 'node-2'],
    ['1.37-iptables-both-backends', 'node-2'],
  ] as const)
    test(`is what it would be from scratch, change by change: ${node} of ${name}`, async () => {
      const cluster = await recorded(name);
      const capture = cluster.captures.get(node)!;
      const { network } = nodeNetwork(node, cluster.objects, capture);
      nodeDrift({ objects: cluster.objects, capture, network });
      let drifted = 0;
      let changes = 0;
      for (const objects of changedObjects(cluster.objects, 7)) {
        if (++changes > CHANGES) break;
        const bit = told(nodeDrift({ objects, capture, network }));
        // Other objects that say the same: nothing is remembered of them.
        const scratch = told(
          nodeDrift({ objects: structuredClone(objects), capture: structuredClone(capture), network }),
        );
        assert.deepEqual(bit, scratch, `after ${changes} changes`);
        drifted += bit.length;
      }
      assert.ok(drifted > CHANGES, `${drifted} lines of drift`);
    });
});
