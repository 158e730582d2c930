/**
 * What changed between releases of nftables mode, with the very patch release where that is known. Read in the sources of 1.29.6,
 * 1.30.4, 1.30.14, 1.31.0, 1.31.14, 1.32.2, 1.32.13, 1.33.6, 1.33.13, 1.34.0, 1.34.2, 1.34.4, 1.35.4, 1.36.1, 1.36.3 and 1.37.2.
 */
import { atLeast, type Release } from '../version.ts';

export interface Generation {
  /** The stock of the table: its base chains, dispatch and checks. */
  readonly stock: '1.29' | '1.30' | '1.36';
  /**
   * From 1.33.6 and 1.34.0 on (kubernetes/kubernetes#132456) packets are filtered after DNAT, except for source ranges.
   * 1.29's base chains belong to its stock.
   */
  readonly filtersAfterDnat: boolean;
  /**
   * Sets and maps have their comments from 1.31 on: before, kube-proxy asked nft whether it knows comments in words
   * that nft 1.0.6 takes for a mistake, and then wrote none.
   */
  readonly containerComments: boolean;
  /** From 1.31 on an element whose verdict is right is left alone; before, all were written anew each time. */
  readonly keepsElements: boolean;
  /** 1.30 alone puts the service port's name at the elements of firewall-ips. */
  readonly firewallComments: boolean;
  /** Up to 1.33 the rule that masquerades traffic to a cluster IP matches the port as well. */
  readonly masqueradeMatchesPort: boolean;
  /** From 1.37 on a chain with one endpoint has a plain `dnat to` instead of a map with one entry. */
  readonly plainSingleDnat: boolean;
  /** From 1.37 on comments are cut at nft's limit; before, nft refused the whole transaction. */
  readonly cutsComments: boolean;
  /** How interfaces are matched. `iif` wants an interface that exists, or nft refuses the whole transaction (#134024). */
  readonly interfaceKey: 'iif' | 'iifname';
}

export function generationOf(release: Release): Generation {
  const laterThan1336 = release.minor === 33 ? release.patch >= 6 : release.minor > 33;
  return {
    stock: release.minor <= 29 ? '1.29' : atLeast(release, 36) ? '1.36' : '1.30',
    filtersAfterDnat: laterThan1336,
    containerComments: atLeast(release, 31),
    keepsElements: atLeast(release, 31),
    firewallComments: release.minor === 30,
    masqueradeMatchesPort: release.minor <= 33,
    plainSingleDnat: atLeast(release, 37),
    cutsComments: atLeast(release, 37),
    interfaceKey: laterThan1336 && !(release.minor === 34 && release.patch < 2) ? 'iifname' : 'iif',
  };
}
