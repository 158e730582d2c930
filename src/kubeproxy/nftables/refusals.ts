/**
 * What nft refuses of that which a kube-proxy of some releases writes. It hands nft the whole table in one transaction, so one rule that
 * is refused keeps out all others: the node goes on with what was written the last time that it went well, or with nothing.
 */
import { contains, formatPrefix } from '../../netfilter/address.ts';
import { formatRelease } from '../version.ts';
import { letsNodeIn, LONGEST_COMMENT, sourceRanges } from './elements.ts';
import { generationOf } from './generation.ts';
import { commentOf } from './leftovers.ts';
import type { Table } from './table.ts';

export interface Refusal {
  /**
   * interface: a rule by an interface that does not exist (kubernetes/kubernetes#134024). comment: one that is too long.
   * claim: two Services claim the same address and port. overlap: source ranges that contain each other.
   */
  readonly reason: 'interface' | 'comment' | 'claim' | 'overlap';
  /** In one sentence, which is shown. */
  readonly words: string;
}

export function refusalsOf(table: Table): Refusal[] {
  const generation = generationOf(table.settings.release);
  return [
    ...(generation.interfaceKey === 'iif' ? byInterface(table) : []),
    ...(generation.cutsComments ? [] : byComment(table)),
    // Later releases take an element out before they write another in its place.
    ...(generation.keepsElements ? [] : byClaim(table)),
    ...(generation.stock === '1.29' ? byOverlap(table) : []),
  ];
}

/** `iif` wants the number of an interface; a name that ends in * has none. */
function byInterface({ settings: { localPods, release }, ports }: Table): Refusal[] {
  if (!localPods?.byInterface?.endsWith('*')) return [];
  // Parts are kept from one time to the next, settings are not: the same statement may be another object.
  const asked = new Set([localPods.isLocal, localPods.isNotLocal].map((statement) => JSON.stringify(statement)));
  const used = ports.some(({ chains }) =>
    chains.some(({ rules }) => rules.some(({ expr }) => expr.some((each) => asked.has(JSON.stringify(each))))),
  );
  if (!used) return [];
  const words = `kube-proxy ${formatRelease(release)} matches interfaces by their number, so nft refuses a prefix of names, and with it the whole table: 1.33.6, 1.34.2 and later don't.`;
  return [{ reason: 'interface', words }];
}

function byComment({ settings, ports }: Table): Refusal[] {
  return ports
    .filter(
      ({ port, elements }) =>
        port.label.length > LONGEST_COMMENT && elements.some((each) => commentOf(each) !== undefined),
    )
    .map(({ port }) => ({
      reason: 'comment' as const,
      words: `The comment "${port.label}" is longer than the ${LONGEST_COMMENT} bytes that nft takes, so it refuses the whole table of kube-proxy ${formatRelease(settings.release)}: 1.37 cuts it.`,
    }));
}

function byClaim({ settings, contests }: Table): Refusal[] {
  return contests
    .filter(({ conflicting }) => conflicting)
    .map(({ id, claimants }) => ({
      reason: 'claim' as const,
      words: `${claimants.map(({ label }) => label).join(' and ')} both claim ${id}, so nft refuses the whole table of kube-proxy ${formatRelease(settings.release)}: 1.31 and later let one of them have it.`,
    }));
}

/** The load balancer's own IP, by which the node gets in, is such a range, too. */
function byOverlap({ settings, ports }: Table): Refusal[] {
  return ports.flatMap(({ port }) => {
    const own = sourceRanges(port.sourceRanges);
    return port.loadBalancerIPs.flatMap((address): Refusal[] => {
      const ranges = letsNodeIn(own, settings) ? [...own, ...sourceRanges([address])] : own;
      for (const wide of ranges) {
        const narrow = ranges.find((range) => range.length > wide.length && contains(wide, range));
        if (!narrow) continue;
        const words = `${port.label} lets in ${formatPrefix(wide)} and ${formatPrefix(narrow)}, which overlap, so nft refuses the whole table of kube-proxy 1.29.`;
        return [{ reason: 'overlap', words }];
      }
      return [];
    });
  });
}
