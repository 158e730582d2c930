import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeDrift, nodeDriftSlices } from '../../src/diagnosis/drift.ts';
import { findingSlices } from '../../src/diagnosis/findings.ts';
import { inTurns } from '../../src/netfilter/slices.ts';
import { nodeNetwork } from '../../src/translation/network.ts';
import { driftedPorts, edited, recorded, told } from './recorded.ts';

/** A node whose every Service port with endpoints leads elsewhere. */
async function drifted(name: string, node: string) {
  const { objects, captures } = await recorded(name);
  const recordedCapture = captures.get(node)!;
  const dumps = (['iptables-save.txt', 'ip6tables-save.txt', 'nft.json'] as const).reduce(
    (all, dump) =>
      edited(dump, (text) =>
        text.replace(/( --to-destination \S+)\d/g, '$17').replace(/("10\.244\.\d+\.\d+", (?:"port": )?\d+)\d/g, '$17'),
      )(all),
    recordedCapture.dumps,
  );
  const capture = { ...recordedCapture, dumps };
  return { objects, capture, network: nodeNetwork(node, objects, capture).network };
}

describe('drift in slices', () => {
  for (const [name, node] of [
    ['1.37-iptables-nft', 'node-1'],
    ['1.37-nftables', 'node-1'],
    ['1.37-iptables-both-backends', 'node-2'],
    ['1.37-iptables-stale-node', 'node-3'],
  ] as const)
    test(`is what it is in one go: ${node} of ${name}`, async () => {
      const subject = await drifted(name, node);
      const inOne = nodeDrift(subject);
      assert.ok(driftedPorts(inOne).length > 10, `${driftedPorts(inOne).length} ports`);
      // Other objects that say the same: nothing is remembered of them.
      const again = structuredClone({ objects: subject.objects, capture: subject.capture });
      const shares: number[] = [];
      const slices = nodeDriftSlices({ ...subject, ...again });
      for (let next = slices.next(); ; next = slices.next()) {
        if (next.done) {
          assert.deepEqual(told(next.value), told(inOne));
          break;
        }
        shares.push(next.value);
      }
      assert.ok(shares.every((share, i) => share >= (shares[i - 1] ?? 0) && share <= 1));
    });

  for (const name of ['1.37-iptables-nft', '1.37-nftables'])
    test(`no slice judges more than one port where all have drifted: ${name}`, async () => {
      const judged = new Set<string>();
      const all = new Set<string>();
      // Asked once for each port that has drifted, by its Service.
      const changedAt = (service: string): undefined => {
        judged.add(service);
        all.add(service);
      };
      const subject = { ...(await drifted(name, 'node-1')), changedAt };
      const slices = nodeDriftSlices(subject);
      let most = 0;
      for (let next = slices.next(); ; next = slices.next()) {
        most = Math.max(most, judged.size);
        judged.clear();
        if (!next.done) continue;
        assert.deepEqual([...all].sort(), [...new Set(driftedPorts(next.value).map(({ service }) => service))].sort());
        break;
      }
      assert.equal(most, 1);
      assert.ok(all.size > 10, `${all.size} Services`);
    });

  test('others have their turn meanwhile', async () => {
    const subject = await drifted('1.37-iptables-nft', 'node-1');
    let turns = 0;
    const drift = await inTurns(nodeDriftSlices(subject), { onProgress: () => turns++ });
    assert.ok(turns > 0);
    const rules = { kind: 'captured', capture: subject.capture } as const;
    const findings = await inTurns(findingSlices(subject.objects, [{ node: 'node-1', rules, drift }]));
    assert.ok(findings.some(({ name }) => name === 'drift'));
  });
});
