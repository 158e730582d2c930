/** One family's table in nftables mode against the expected one. */
import type { ExpectedRules, NodeProxy } from '../kubeproxy/expected.ts';
import type { Family } from '../netfilter/address.ts';
import { asPart, type Slices } from '../netfilter/slices.ts';
import { attributeSlices, PortIndex } from './attribution.ts';
import { judgedSlices } from './court.ts';
import type { NodeSubject } from './drift.ts';
import type { FamilyDrift } from './drift-types.ts';
import { once } from './judge.ts';
import { actualExcerpt, expectedExcerpt, metPorts } from './nft-excerpt.ts';
import { nftListing, type NftObject } from './nft-listing.ts';
import { actualTable } from './nftables-actual.ts';
import { nftablesDifferences } from './nftables-differences.ts';
import { backendOf, savedTables, withoutIptables, withTexts, type NamedText } from './surroundings.ts';

/** None where kube-proxy does not serve the family, or no whole listing was read. */
export function* nftablesDrift(
  subject: NodeSubject,
  proxy: NodeProxy,
  expected: ExpectedRules,
  family: Family,
): Slices<readonly FamilyDrift[]> {
  if (expected.mode !== 'nftables') return [];
  const { dumps } = subject.capture;
  const name = family === 4 ? 'ip' : 'ip6';
  const table = expected.tables.tables.find((each) => each.settings.family === name);
  const listing = nftListing(dumps);
  if (!table || !listing) return [];
  const actual = actualTable(name, listing);
  yield 0;
  const differences = nftablesDifferences(table, actual);
  yield 0;
  const leftovers = savedTables(dumps, family)
    .filter((each) => each.owned > 0)
    .map((each) => backendOf(each.name, dumps));
  const index = new PortIndex(table.ports);
  const touched = yield* asPart(attributeSlices(differences, index), (own) => own / 20);
  // What was left elsewhere may act on every Service.
  const met = once(() => (leftovers.length > 0 ? undefined : metPorts(differences, touched, table)));
  if (differences.length > 0) met();
  yield 0.05;
  /** The same listing that was compared, alone: the one in the other language may have been made a moment later. */
  const withOwn = (own: readonly NftObject[]): readonly NamedText[] =>
    withTexts(
      dumps,
      new Map([
        ['nft.json', undefined],
        ['nft.txt', undefined],
        [listing.dump, listing.with(own)],
      ]),
    );
  const expectedDumps = once(() => withOwn(expectedExcerpt(table, met())));
  const given = {
    index,
    rules: () => table.ports.reduce((sum, each) => sum + each.elements.length + 2 * each.chains.length, 0),
    expected: expectedDumps,
    clean: () => withTexts(expectedDumps(), withoutIptables(dumps)),
    actual: () => withOwn(actualExcerpt(listing.own[name], met())),
  };
  return [yield* judgedSlices(subject, proxy, family, given, differences, touched, leftovers)];
}
