import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { IptablesRule } from '../../src/netfilter/iptables/decode.ts';
import type { Chain, Program } from '../../src/netfilter/program.ts';
import { programOf, type DumpText } from '../../src/netfilter/program-of.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { disagreement } from './compare.ts';
import { loadOf } from './load.ts';
import { networkOf, packetOf } from './node.ts';
import { Oracle, type OracleCase } from './oracle.ts';
import { Shares } from './statistics.ts';
import { recordedNetwork, waysOf } from './ways.ts';

const RECORDINGS = path.resolve(import.meta.dirname, '../recordings');
/** Packets of each case. */
const N = 12;

let oracle: Oracle;
before(() => {
  oracle = new Oracle();
});
after(() => {
  oracle.close();
});

for (const name of readdirSync(RECORDINGS).sort())
  test(`a kernel with the rules of ${name} sends every packet where the trace says`, async () => {
    const source = await openRecording(path.join(RECORDINGS, name));
    try {
      const { objects } = source;
      const nodes = objects.nodes.map(({ metadata }) => metadata.name);
      await source.capture(nodes);
      for (const node of nodes) {
        const rules = source.rules(node);
        assert.equal(rules.kind, 'captured');
        await compareNode(objects, node, rules.kind === 'captured' ? rules.capture.dumps : []);
      }
    } finally {
      source.dispose();
    }
  });

async function compareNode(
  objects: Parameters<typeof waysOf>[0],
  node: string,
  dumps: readonly DumpText[],
): Promise<void> {
  const network = recordedNetwork(objects, node);
  const cases = waysOf(objects, node, network, N);
  assert.ok(cases.length * N >= 500, `${cases.length} cases`);
  const load = loadOf(dumps);
  const list = load
    .filter(({ run }) => run[0]!.endsWith('-restore'))
    .map(({ run }) => [run[0]!.replace('restore', 'save'), '-c']);
  const answer = await oracle.ask({ load, network, cases, list });
  if ('error' in answer) assert.fail(answer.error);

  // Of iptables-nft's tables nft lists less than it could read back: where nothing else tells of them, they are left out.
  const native = load.some(({ run }) => run[0] === 'nft');
  const program = programOf(native ? dumps : dumps.filter(({ name }) => !name.startsWith('nft.')));
  const expected = new Map<Chain, number[]>();
  const shares = new Shares();
  const failures: string[] = [];
  for (const [i, one] of cases.entries()) {
    const outcomes = trace(program, networkOf(network), packetOf(one), { onMatch: counter(expected, one) });
    shares.add(outcomes, answer.cases[i]!);
    const words = disagreement(outcomes, answer.cases[i]!);
    if (words) failures.push(`${node} ${JSON.stringify(one)}: ${words}`);
  }
  assert.deepEqual(failures, []);
  assert.equal(shares.misfit(), undefined);
  assert.deepEqual(wrongCounters(program, expected, answer.lists), []);
}

function counter(expected: Map<Chain, number[]>, { n }: OracleCase) {
  return (chain: Chain, index: number, state: { readonly weight: number }): void => {
    let counts = expected.get(chain);
    if (!counts) expected.set(chain, (counts = []));
    counts[index] = (counts[index] ?? 0) + state.weight * n;
  };
}

/** The path that the packets took, by the rules' counters. */
function wrongCounters(
  program: Program,
  expected: ReadonlyMap<Chain, readonly number[]>,
  lists: readonly string[],
): string[] {
  const wrong: string[] = [];
  const saved = lists.map((text, i) => ({
    name: /ip6tables/.test(text) ? `ip6tables-save.txt` : 'iptables-save.txt',
    text,
    i,
  }));
  for (const { name, text } of saved)
    for (const table of programOf([{ name, text }]).tables) {
      const ours = program.tables.find(
        (other) => other.engine === table.engine && other.family === table.family && other.name === table.name,
      );
      for (const chain of table.chains.values())
        for (let index = 0; index < chain.length; index++) {
          const rule = chain.rule(index) as IptablesRule;
          const own = ours?.chains.get(chain.name);
          const mean = (own && expected.get(own)?.[index]) ?? 0;
          const packets = rule.counters?.packets ?? 0;
          if (Math.abs(packets - mean) > 6 * Math.sqrt(2 * mean) + 1 || (mean < 1e-9 && packets > 0))
            wrong.push(`${table.label} ${chain.name}: "${rule.text}" counted ${packets}, the trace ${mean}`);
        }
    }
  return wrong;
}
