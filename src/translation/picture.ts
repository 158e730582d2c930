/**
 * A Service's picture, ready to be drawn: plain data that survives JSON (no bigint, no Map, no undefined in arrays), with every
 * word in it. The page lays it out and draws it; nothing is computed there.
 */
import type { Client } from './story.ts';

/** What is looked at. Absent fields mean: choose for me. */
export interface Selection {
  /** "namespace/name". */
  readonly service: string;
  /** PortStory's id, "80/TCP". */
  readonly port?: string;
  /** wayId(). */
  readonly way?: string;
  readonly client?: Client;
  /** A node's name, or "*" for all of them side by side. */
  readonly node?: string;
  /** Assumptions that the user has settled, by their words. */
  readonly settled?: Readonly<Record<string, boolean>>;
}

export interface Choice {
  readonly id: string;
  readonly label: string;
}

export type Mark = 'good' | 'wrong' | 'refused' | 'idle' | 'missing' | 'unknown';

/** A rule, as a line of the list behind a stream. */
export interface RuleLine {
  readonly node: string;
  readonly dump: string;
  /** From 1. 0 for a chain's policy, which has no line of its own to jump to. */
  readonly line: number;
  /** "nat". */
  readonly table: string;
  readonly chain: string;
  /** Shortened for reading; the whole rule stands in the dump. */
  readonly text: string;
  /** What it did, in a word or two: "1 of 3", "DNAT", "masquerade". */
  readonly did: string;
}

export interface Card {
  readonly title: string;
  /** Addresses and chain names: shown in the editor's font. */
  readonly code?: string;
  readonly note?: string;
}

export interface EndCard extends Card {
  readonly id: string;
  readonly mark: Mark;
  readonly share: number;
  /** "33.3 %", "0 %". */
  readonly shareWords: string;
  readonly node?: string;
  readonly zone?: string;
  /** The condition that endpoints are folded by: "ready", "not ready". */
  readonly condition: string;
}

export interface StreamView {
  readonly id: string;
  /** EndCard's id. */
  readonly end: string;
  /** 0 to 1. */
  readonly share: number;
  readonly shareWords: string;
  readonly mark: 'good' | 'wrong' | 'refused';
  readonly masquerade: boolean;
  /** The assumptions that it rests on and that nobody has settled: "if the source was seen less than 180 s ago". */
  readonly assumptions: readonly string[];
  /** "shop/front from a pod on node-3 to front-…92hnx, 33.3 %, source kept". */
  readonly words: string;
  /** Places in `rules`. */
  readonly rules: readonly number[];
}

export interface AssumptionView {
  readonly words: string;
  readonly settled?: boolean;
}

export interface NodePicture {
  readonly kind: 'node';
  readonly node: string;
  readonly client: Card;
  readonly service: Card;
  readonly rules: Card;
  readonly streams: readonly StreamView[];
  readonly ends: readonly EndCard[];
  readonly ruleLines: readonly RuleLine[];
  readonly assumptions: readonly AssumptionView[];
}

export interface Segment {
  readonly id: string;
  readonly label: string;
  readonly share: number;
  readonly shareWords: string;
  readonly mark: 'good' | 'wrong' | 'refused';
  readonly assumed: boolean;
  readonly words: string;
}

export interface NodesRow {
  /** The first node: what is chosen by a click. */
  readonly node: string;
  readonly nodes: readonly string[];
  /** "node-1, node-2". */
  readonly title: string;
  /** "and 15 more alike". */
  readonly note?: string;
  readonly segments: readonly Segment[];
  /** Instead of segments, where nothing is known. */
  readonly words?: string;
  readonly verdict: { readonly mark: Mark; readonly words: string };
}

export interface NodesPicture {
  readonly kind: 'nodes';
  readonly rows: readonly NodesRow[];
}

/** Nothing to draw, and why. */
export interface NoPicture {
  readonly kind: 'nothing';
  readonly why: string;
  readonly advice?: string;
  /** A node whose rules could be read now. */
  readonly capture?: string;
}

export type Action = 'expected' | 'trace' | 'rules' | 'pod' | 'capture' | 'yaml';

export interface Finding {
  readonly severity: 'error' | 'warning' | 'info';
  /** "Drift on node-3." */
  readonly title: string;
  readonly text: string;
  readonly actions: readonly { readonly action: Action; readonly label: string; readonly argument?: string }[];
}

export interface Picture {
  /** "shop/front". */
  readonly service: string;
  /** "10.96.16.99:80/TCP". */
  readonly address: string;
  /** All fields filled in. */
  readonly selection: Required<Selection>;
  readonly nodes: readonly Choice[];
  readonly clients: readonly Choice[];
  readonly ways: readonly Choice[];
  /** "iptables (nft) · kube-proxy 1.37.2". */
  readonly about: string;
  /** Milliseconds since the epoch, where rules were read. */
  readonly readAt?: number;
  /** The rules can be read anew: the cluster is a live one. */
  readonly rereadable?: boolean;
  readonly finding?: Finding;
  readonly body: NodePicture | NodesPicture | NoPicture;
}
