import type { EndpointConditions, Protocol, Service, ServicePort } from '../kubernetes/objects.ts';
import type { Family } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';

/** One way to address a Service port. */
export interface Way {
  readonly kind: 'clusterIP' | 'nodePort' | 'loadBalancerIP' | 'externalIP';
  /** The VIP. Absent for a node port, which every node has at its own address; 127.0.0.1 for the node port on loopback. */
  readonly address?: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly family: Family;
}

/**
 * Who sends: a pod on the node, the node itself (or a hostNetwork pod), or somebody outside of the cluster. Where the
 * Service has source ranges, `outside` is in one of them and `outside-refused` in none. `ping` is a pod that sends an ICMP
 * echo request to the VIP.
 */
export type Client = 'pod' | 'node' | 'outside' | 'outside-refused' | 'ping';

/** An endpoint as the API has it, with what is known of its pod. */
export interface EndpointView {
  readonly address: string;
  readonly port: number;
  /** The pod's name; it is in the Service's namespace. */
  readonly pod?: string;
  readonly node?: string;
  readonly zone?: string;
  readonly conditions: Required<EndpointConditions>;
  /** In words, where the endpoint is not ready: "readiness probe fails (container nginx)". */
  readonly notReady?: string;
}

/** One port of a Service: its ways in and its endpoints. */
export interface PortStory {
  /** "80/TCP": unique within the Service. */
  readonly id: string;
  readonly port: ServicePort;
  readonly protocol: Protocol;
  readonly ways: readonly Way[];
  /** Of both families, sorted as kube-proxy sorts them: by "address:port", bytewise. */
  readonly endpoints: readonly EndpointView[];
}

/** What the API alone says about a Service. */
export interface ServiceStory {
  readonly service: Service;
  /** "namespace/name". */
  readonly key: string;
  readonly ports: readonly PortStory[];
  /** False for a headless Service and an ExternalName: kube-proxy writes no rules for it. `why` says so in words. */
  readonly proxied: { readonly is: true } | { readonly is: false; readonly why: string };
}

export type End =
  | { readonly kind: 'endpoint'; readonly endpoint: EndpointView }
  /** An address that is no endpoint of this port: `now` says whose it is, where the API knows. */
  | { readonly kind: 'stranger'; readonly address: string; readonly port?: number; readonly now?: string }
  /**
   * The packet keeps its destination: no rule translates it. `why` says what that means on this node. `ipvs`: it is handed to IPVS's
   * virtual servers, which are not read.
   */
  | {
      readonly kind: 'untranslated';
      readonly address: string;
      readonly why: string;
      readonly ipvs?: true;
      /** By somebody else's rule, before kube-proxy's were asked. */
      readonly diverted?: true;
    }
  | { readonly kind: 'reject'; readonly with: string; readonly why: string }
  | { readonly kind: 'drop'; readonly why: string };

/** One stream of the picture: an end and its share. */
export interface Stream {
  readonly end: End;
  /** 0 to 1. */
  readonly share: number;
  readonly masquerade: boolean;
  /** The words of the assumptions that this stream rests on. */
  readonly assumptions: readonly { readonly words: string; readonly holds: boolean }[];
  /** The outcomes behind it, with their rules. */
  readonly outcomes: readonly Outcome[];
  /** Why this should not be so, where the API says otherwise: the node is behind or wrong. */
  readonly wrong?: string;
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
      /** Milliseconds since the epoch: when the rules were read. */
      readonly at: number;
      readonly packet: PacketCase;
      readonly streams: readonly Stream[];
      readonly idle: readonly Idle[];
    }
  /** Not captured yet, being captured, failed, or in a form that cannot be read: in words. */
  | { readonly node: string; readonly kind: 'unknown'; readonly why: string; readonly advice?: string }
  /** There is no such packet: a family that the node lacks, a pod on a node without pods. */
  | { readonly node: string; readonly kind: 'none'; readonly why: string };

/** Nodes whose answers are alike: the same ends with the same shares for the same reasons. */
export interface AlikeNodes {
  readonly nodes: readonly string[];
  /** The first node's. */
  readonly answer: NodeAnswer;
}
