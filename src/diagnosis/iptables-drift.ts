/** One family's rules in iptables mode against the expected ones. */
import type { ExpectedRules, NodeProxy } from '../kubeproxy/expected.ts';
import type { Family } from '../netfilter/address.ts';
import { asPart, type Slices } from '../netfilter/slices.ts';
import { attributeSlices, PortIndex } from './attribution.ts';
import { judgedSlices, type Case } from './court.ts';
import type { NodeSubject } from './drift.ts';
import type { FamilyDrift, Leftover } from './drift-types.ts';
import { excerpt, metChains } from './excerpt.ts';
import { completed, inSurroundings, iptablesDifferences } from './iptables-differences.ts';
import { expectedTables } from './iptables-expected.ts';
import { once } from './judge.ts';
import { hasOwnRules } from './nft-listing.ts';
import {
  backendOf,
  savedTables,
  withFirstLine,
  withoutIptables,
  withoutNftables,
  withTexts,
  type NamedText,
} from './surroundings.ts';

/** None where the family's rules were not read. */
export function* iptablesDrift(
  subject: NodeSubject,
  proxy: NodeProxy,
  expected: ExpectedRules,
  family: Family,
): Slices<readonly FamilyDrift[]> {
  if (expected.mode !== 'iptables') return [];
  const { dumps } = subject.capture;
  const rules = expected.families[family];
  const saved = savedTables(dumps, family);
  const main = saved[0];
  // A family that was not read is not compared; one that kube-proxy does not serve has nothing of it.
  if (!main) return [];
  yield 0;
  const tables = expectedTables(rules);
  yield 0;
  const actual = main.complete ? main.blocks : completed(tables, main.blocks);
  yield 0;
  const differences = iptablesDifferences(tables, actual);
  yield 0;
  const others = saved.slice(1).filter((each) => each.owned > 0);
  const leftovers: Leftover['where'][] = [
    ...others.map((each) => backendOf(each.name, dumps)),
    ...(hasOwnRules(dumps, family === 4 ? 'ip' : 'ip6') ? (['nftables'] as const) : []),
  ];
  const index = new PortIndex(rules.ports.map(({ port, selection }) => ({ port, endpoints: selection.reachable })));
  const touched = yield* asPart(attributeSlices(differences, index), (own) => own / 20);
  // What was left elsewhere may act on every Service.
  const met = once(() => (leftovers.length > 0 ? undefined : metChains(differences, touched, tables, actual)));
  if (differences.length > 0) met();
  yield 0.05;
  const withMain = (text: string): readonly NamedText[] =>
    withTexts(dumps, new Map([[main.name, withFirstLine(main.blocks.text, text)]]));
  const expectedDumps = once(() => withMain(inSurroundings(tables, actual, met())));
  const given: Case = {
    index,
    rules: () => rules.ports.reduce((sum, each) => sum + each.lines.nat.length + each.lines.filter.length, 0),
    expected: expectedDumps,
    clean: () => withTexts(expectedDumps(), new Map([...withoutIptables(dumps, main.name), ...withoutNftables(dumps)])),
    actual: () => {
      const some = met();
      if (some) return withMain(excerpt(actual, some));
      return main.complete ? dumps : withMain(actual.text);
    },
  };
  return [yield* judgedSlices(subject, proxy, family, given, differences, touched, leftovers)];
}
