/**
 * The API server's objects as plain data: the JSON shapes of the Kubernetes API, spelled as the API spells them, with the
 * fields that kube-proxy or a reader of ours looks at. A recording's JSON is such an object as it stands; a live source
 * leaves out what is not named here. Fields that the API may leave out are optional.
 */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly uid?: string }[];
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

export interface ServicePort {
  readonly name?: string;
  /** The API server fills in TCP. */
  readonly protocol?: Protocol;
  readonly port: number;
  /** A number, or the name of a container port. */
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly appProtocol?: string;
}

export interface Service {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly type?: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[];
    readonly ipFamilyPolicy?: string;
    readonly externalIPs?: readonly string[];
    readonly externalName?: string;
    readonly loadBalancerIP?: string;
    readonly loadBalancerSourceRanges?: readonly string[];
    readonly externalTrafficPolicy?: 'Cluster' | 'Local';
    readonly internalTrafficPolicy?: 'Cluster' | 'Local';
    readonly healthCheckNodePort?: number;
    readonly sessionAffinity?: 'None' | 'ClientIP';
    readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } };
    readonly publishNotReadyAddresses?: boolean;
    readonly trafficDistribution?: string;
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly ip?: string;
        readonly hostname?: string;
        readonly ipMode?: 'VIP' | 'Proxy';
      }[];
    };
  };
}

export interface EndpointConditions {
  /** Absent means true. */
  readonly ready?: boolean;
  /** Absent means the same as ready. */
  readonly serving?: boolean;
  /** Absent means false. */
  readonly terminating?: boolean;
}

export interface SliceEndpoint {
  /** kube-proxy reads the first address alone. */
  readonly addresses: readonly string[];
  readonly conditions?: EndpointConditions;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly targetRef?: {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
  };
  readonly hints?: {
    readonly forZones?: readonly { readonly name: string }[];
    readonly forNodes?: readonly { readonly name: string }[];
  };
}

/** discovery.k8s.io/v1. Belongs to the Service named by the label kubernetes.io/service-name. */
export interface EndpointSlice {
  readonly metadata: ObjectMeta;
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN';
  readonly endpoints?: readonly SliceEndpoint[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly protocol?: Protocol;
    readonly port?: number;
    readonly appProtocol?: string;
  }[];
}

/** The older v1 Endpoints, which kube-proxy of 1.20 and older may read instead. Has the name of its Service. */
export interface Endpoints {
  readonly metadata: ObjectMeta;
  readonly subsets?: readonly {
    readonly addresses?: readonly EndpointAddress[];
    readonly notReadyAddresses?: readonly EndpointAddress[];
    readonly ports?: readonly { readonly name?: string; readonly protocol?: Protocol; readonly port: number }[];
  }[];
}

export interface EndpointAddress {
  readonly ip: string;
  readonly nodeName?: string;
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
}

export interface Node {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly podCIDR?: string;
    readonly podCIDRs?: readonly string[];
    readonly unschedulable?: boolean;
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly nodeInfo?: {
      readonly kubeletVersion?: string;
      readonly kubeProxyVersion?: string;
      readonly kernelVersion?: string;
      readonly osImage?: string;
    };
  };
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: Protocol }[];
}

export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly hostIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready?: boolean;
      readonly restartCount?: number;
      readonly state?: Readonly<
        Record<string, { readonly reason?: string; readonly message?: string; readonly startedAt?: string } | undefined>
      >;
    }[];
  };
}

export interface Namespace {
  readonly metadata: ObjectMeta;
}

export interface ConfigMap {
  readonly metadata: ObjectMeta;
  readonly data?: Readonly<Record<string, string>>;
}

/** Set by hand where kube-proxy's release or configuration cannot be found out, or is found out wrongly. It counts for every node. */
export interface KubeProxyByHand {
  /** "v1.33.1". */
  readonly release?: string;
  /** YAML or JSON with the fields of KubeProxyConfiguration that are known better. */
  readonly configuration?: string;
}

/** All that a source knows of a cluster at one moment. Immutable: a change makes a new one that shares what stayed. */
export interface ClusterObjects {
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Only where the source has them: recordings, and clusters whose kube-proxy reads them. */
  readonly endpoints: readonly Endpoints[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  /** The ConfigMap kube-system/kube-proxy, where there is one and it may be read. */
  readonly kubeProxyConfig?: ConfigMap;
  /** What a user knows better than the API says it. */
  readonly kubeProxyByHand?: KubeProxyByHand;
  /** The API server's version, such as "v1.37.2". */
  readonly serverVersion?: string;
  /** Of these some could not be read: rules for the others are not to be called wrong. Absent where all were. */
  readonly incomplete?: readonly ('services' | 'endpointSlices')[];
}

/** "namespace/name". */
export function keyOf(object: { readonly metadata: ObjectMeta }): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** The label by which an EndpointSlice names its Service. */
export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Label of Nodes: what the zone hints of EndpointSlices name. */
export const ZONE_LABEL = 'topology.kubernetes.io/zone';
