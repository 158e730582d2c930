import type { ClusterObjects } from './objects.ts';

/** Something to be ended: a subscription, a watch. VS Code's Disposable has the same shape. */
export interface Disposable {
  dispose(): void;
}

/** What went wrong and what the user can do, in words that are shown as they are. */
export interface Problem {
  /** Stable, for tests and for choosing a welcome view. */
  readonly code:
    | 'no-kubeconfig'
    | 'bad-kubeconfig'
    | 'no-context'
    | 'unreachable'
    | 'unauthorized'
    | 'forbidden'
    | 'credential-plugin'
    | 'bad-recording'
    | 'no-kube-proxy-pod'
    | 'exec-failed'
    | 'command-missing'
    | 'truncated'
    | 'cancelled';
  /** What happened, in one sentence, naming the thing (file, node, verb and resource). */
  readonly message: string;
  /** What to do next, in one sentence. */
  readonly advice: string;
  /** What the server, the file system or the command said itself. */
  readonly detail?: string;
}

export type SourceState =
  | { readonly kind: 'connecting' }
  /** Some kinds may be missing: each with its problem (a viewer who may not list nodes, say). */
  | { readonly kind: 'ready'; readonly missing: readonly { readonly resource: string; readonly problem: Problem }[] }
  /** What was seen last stays shown. `since` is milliseconds since the epoch. */
  | { readonly kind: 'stale'; readonly problem: Problem; readonly since: number }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** The names that the files of a recording have; a live capture uses the same. */
export type DumpName =
  | 'iptables-save.txt'
  | 'ip6tables-save.txt'
  | 'iptables-legacy-save.txt'
  | 'iptables-nft-save.txt'
  | 'ip6tables-legacy-save.txt'
  | 'ip6tables-nft-save.txt'
  | 'nft.json'
  | 'nft.txt'
  | 'ipset-save.txt'
  | 'ipvsadm-save.txt'
  | 'iptables-version.txt'
  | 'addresses.json'
  | 'fib_trie.txt'
  | 'route.txt'
  | 'if_inet6.txt'
  | 'ipv6_route.txt'
  | 'metrics.txt';

export interface Dump {
  readonly name: DumpName;
  readonly text: string;
  /** What printed it: the command as it was executed, or the file's path. */
  readonly from: string;
  /** False where the text ends before it should (no final COMMIT, JSON cut off). */
  readonly complete: boolean;
}

/** What one node's kernel holds, as far as it could be read. */
export interface NodeCapture {
  readonly node: string;
  /** Milliseconds since the epoch: when the last command ended, or the recording's own time. */
  readonly at: number;
  /** The pod that was executed in, "namespace/name"; none for a recording. */
  readonly pod?: string;
  readonly dumps: readonly Dump[];
  /** Dumps that could not be had, and why. */
  readonly problems: readonly Problem[];
}

export type NodeRules =
  | { readonly kind: 'none' }
  /** Under way. `done` of `of` dumps are here. The earlier capture, if any, stays valid until then. */
  | { readonly kind: 'capturing'; readonly done: number; readonly of: number; readonly earlier?: NodeCapture }
  | { readonly kind: 'captured'; readonly capture: NodeCapture }
  | { readonly kind: 'failed'; readonly problem: Problem; readonly at: number; readonly earlier?: NodeCapture };

export interface SourceChange {
  /** The object kinds that changed, or the nodes whose rules did; empty arrays where only the state did. */
  readonly objects: readonly (keyof ClusterObjects)[];
  readonly nodes: readonly string[];
}

/** Whatever can be looked at: a live cluster or a recorded one. Views cannot tell which. */
export interface ClusterSource extends Disposable {
  /** The context's name, or the recording's folder name. */
  readonly name: string;
  readonly kind: 'live' | 'recording';
  /** Where it is: the API server's address, or the recording's path. */
  readonly location: string;
  readonly state: SourceState;
  /** The newest objects. The same reference until something changes. */
  readonly objects: ClusterObjects;
  /** Called after every change; bursts are folded into one call (at most every 100 ms). */
  onDidChange(listener: (change: SourceChange) => void): Disposable;
  /**
   * When a Service or its endpoints were last seen to change, in milliseconds since the epoch; undefined where nobody saw it change. Absent
   * where nothing changes.
   *
   * @param service "namespace/name"
   */
  readonly changedAt?: (service: string) => number | undefined;
  /** What is known of a node's rules now. Starts nothing. */
  rules(node: string): NodeRules;
  /**
   * Reads the rules of these nodes (at most 4 at once), whether or not they were read before, and settles when every node has succeeded or
   * failed. Never rejects: failures are in rules(node). Cancelling keeps what was there.
   */
  capture(nodes: readonly string[], signal?: AbortSignal): Promise<void>;
}
