/** How a node's rules stand to what kube-proxy should have written there. */
import type { ProxyMode } from '../kubeproxy/configuration.ts';
import type { NodeProxy } from '../kubeproxy/expected.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import type { Family } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';
import type { Slices } from '../netfilter/slices.ts';
import type { SliceDifference } from './compare.ts';
import type { Consequence, EndpointDifference } from './consequence.ts';
import type { Pending } from './pending.ts';
import type { ProbeWay } from './probes.ts';

/** What a drifted port's differences come to. */
export interface Explanation {
  /** Each with its words; the gravest first. At least one. */
  readonly consequences: readonly Consequence[];
  readonly endpoints: readonly EndpointDifference[];
}

export interface PortDrift {
  /** "shop/front:http". */
  readonly label: string;
  /** "shop/front". */
  readonly service: string;
  readonly protocol: string;
  readonly family: Family;
  /** Absent where the API no longer has it: what is left of a deleted Service or port. */
  readonly port: ProxiedPort | undefined;
  /** Present where the change is so new that the next sync may bring it. */
  readonly pending: Pending | undefined;
  /** The chains, sets and maps that differ, with the rules in them that concern this port. */
  readonly differences: readonly SliceDifference[];
  /** Followed packets; computed on the first call and kept. */
  readonly explain: () => Explanation;
}

/** Rules that all Services share. */
export interface CommonDrift {
  readonly family: Family;
  readonly differences: readonly SliceDifference[];
  /** Service ports whose packets are treated otherwise because of that, as far as they were tried. */
  readonly affected: readonly string[];
  readonly explain: () => Explanation;
}

/** Rules of another backend or mode that kube-proxy left on the node. */
export interface Leftover {
  /** "iptables-nft", "iptables-legacy", "nftables". */
  readonly where: 'iptables-legacy' | 'iptables-nft' | 'nftables';
  readonly family: Family;
  /** How many ways in to Services each of the places decides, and whose they are: by following a packet of each usual client. */
  readonly decides: readonly {
    readonly where: Outcome['path'][number]['engine'];
    readonly packets: number;
    readonly labels: readonly string[];
  }[];
  /** Service ports whose packets they change, with the words; empty where they change none that was tried. */
  readonly acts: readonly {
    readonly label: string;
    /** The ways in to that port whose packets they change. */
    readonly ways: readonly ProbeWay[];
    readonly words: string;
  }[];
}

export interface FamilyDrift {
  readonly family: Family;
  /** All Service ports of this family, drifted or not. */
  readonly ports: readonly ProxiedPort[];
  readonly drifted: readonly PortDrift[];
  readonly common: readonly CommonDrift[];
  /** Differences in text that change no packet. */
  readonly harmless: readonly SliceDifference[];
  readonly leftovers: readonly Leftover[];
}

export type NodeDrift =
  | {
      readonly kind: 'compared';
      readonly node: string;
      /** When the rules were read, in milliseconds since the epoch. */
      readonly at: number;
      readonly mode: 'iptables' | 'nftables';
      readonly proxy: NodeProxy;
      readonly families: readonly FamilyDrift[];
      /** Dumps that are cut off: what they lack was taken as expected. */
      readonly truncated: readonly string[];
      /** The drifted ports that are right for a node without a zone; computed on each call. */
      readonly withoutZone: () => Slices<readonly PortDrift[]>;
    }
  | {
      readonly kind: 'unknown';
      readonly node: string;
      readonly at: number;
      readonly mode: ProxyMode | 'none';
      readonly proxy: NodeProxy;
      /**
       * `none`: the node holds nothing of kube-proxy. `mode`: it is in a mode whose rules are not computed. `unreadable`: its dump cannot
       * be compared. `objects`: the Services or their endpoints were not read.
       */
      readonly reason: 'none' | 'mode' | 'unreadable' | 'objects';
      readonly words: string;
    };
