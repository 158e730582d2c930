import type * as vscode from 'vscode';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import type { ClusterSource, SourceChange } from '../kubernetes/source.ts';

/** What changed, as a source tells it; `source` is true where another source took the place of the one before. */
export interface TrafficChange extends SourceChange {
  readonly source: boolean;
}

/**
 * Whether rules are made of such objects. Pods by themselves change no rule, and a big cluster changes some all the time: their endpoints
 * come with their slices.
 */
export function makesRules(kind: keyof ClusterObjects): boolean {
  return kind !== 'pods' && kind !== 'namespaces';
}

/** A rule in a node's dump, to be shown at its line. */
export interface RuleLocation {
  readonly node: string;
  /** The dump's name, such as "iptables-save.txt". */
  readonly dump: string;
  /** From 1. */
  readonly line: number;
  /** How many lines to select; 1 where it is left out. */
  readonly lines?: number;
}

/**
 * What the views share: the cluster that is looked at, and how to show things of it. One object, made at activation and
 * handed to every view; it opens nothing before somebody asks.
 */
export interface Traffic {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  /** What is shown now: undefined until `open` was called for the first time. */
  readonly source: ClusterSource | undefined;
  /** Fires after every change of the source, and when another source takes its place (or none is left). */
  readonly onDidChange: vscode.Event<TrafficChange>;
  /**
   * Opens the cluster that the settings name (a recording, a kubeconfig), unless that has been done, and settles once it has
   * objects to show or has failed. Never rejects: what went wrong is in the source's state.
   */
  open(): Promise<ClusterSource>;
  /**
   * Sees to it that the rules of these nodes were read, once: nodes that were read before, or failed, are left alone. Settles when
   * each of them has succeeded or failed.
   */
  captured(nodes: readonly string[]): Promise<void>;
  /** Opens the dump as a read-only document and selects the rule. */
  openRule(rule: RuleLocation): Promise<void>;
}
