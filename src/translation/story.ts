import type { EndpointConditions, Protocol } from '../kubernetes/objects.ts';
import type { Outcome } from '../netfilter/outcome.ts';

/** One way to address a Service port. */
export interface Way {
  readonly kind: 'clusterIP' | 'nodePort' | 'loadBalancerIP' | 'externalIP';
  /** The VIP; for a node port the node's own address, which differs by node. */
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly family: 4 | 6;
}

/** Who sends: a pod on the node, the node itself (or a hostNetwork pod), or somebody outside of the cluster. */
export type Client = 'pod' | 'node' | 'outside';

/** An endpoint as the API has it, with what is known of its pod. */
export interface EndpointView {
  readonly address: string;
  readonly port: number;
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly conditions: Required<EndpointConditions>;
  /** In words, where the endpoint is not ready: "readiness probe fails (container nginx)". */
  readonly notReady?: string;
}

/** One stream of the picture: an end and its share. */
export interface Stream {
  readonly end:
    | { readonly kind: 'endpoint'; readonly endpoint: EndpointView }
    /** An address that is no endpoint of this port: `now` says whose it is, where the API knows. */
    | { readonly kind: 'stranger'; readonly address: string; readonly port?: number; readonly now?: string }
    /** The packet keeps the VIP as its destination: no rule translates it. */
    | { readonly kind: 'untranslated' }
    | { readonly kind: 'reject'; readonly with: string }
    | { readonly kind: 'drop' };
  /** 0 to 1. */
  readonly share: number;
  readonly masquerade: boolean;
  /** The words of the assumptions that this stream rests on. */
  readonly assumptions: readonly { readonly words: string; readonly holds: boolean }[];
  /** The outcomes behind it, with their rules. */
  readonly outcomes: readonly Outcome[];
}

/** An endpoint of the API that gets nothing from this node by this way, and why. */
export interface Idle {
  readonly endpoint: EndpointView;
  readonly reason: string;
  /** True where kube-proxy should have sent it a share: the node is behind or wrong. */
  readonly unexpected: boolean;
}

export type NodeAnswer =
  | {
      readonly node: string;
      readonly kind: 'traced';
      readonly at: number;
      readonly streams: readonly Stream[];
      readonly idle: readonly Idle[];
    }
  /** Not captured yet, being captured, failed, or in a form that cannot be read: in words. */
  | { readonly node: string; readonly kind: 'unknown'; readonly why: string; readonly advice?: string };
