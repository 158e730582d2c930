import type { ProxiedEndpoint } from '../endpoints.ts';
import { endpointHash, servicePortHash } from '../names.ts';
import type { ProxiedPort } from '../services.ts';
import type { IptablesSettings } from './settings.ts';

/** What one service port contributes: rules as iptables-save prints them, in the order in which they are written. */
export interface PortLines {
  readonly filter: readonly string[];
  readonly nat: readonly string[];
  /** The chains of table nat that belong to this port alone, empty ones too. */
  readonly chains: readonly string[];
}

/** Collects them. */
export class Lines implements PortLines {
  readonly filter: string[] = [];
  readonly nat: string[] = [];
  readonly chains: string[] = [];
}

/** The words that all rules of a service port are made of, as they stand in a dump. */
export interface PortWords {
  /** "tcp" */
  readonly P: string;
  /** "shop/cart:http" */
  readonly N: string;
  /** The service port's chains. */
  readonly SVC: string;
  readonly SVL: string;
  readonly EXT: string;
  readonly FW: string;
  readonly XLB: string;
  /** `10.96.0.1` → `10.96.0.1/32` */
  readonly host: (ip: string) => string;
  /** "is local pod": "-s 10.244.0.0/16 " or "-i cni0 ". "" where nothing tells pods from others: `localKnown` is false then. */
  readonly local: string;
  readonly localKnown: boolean;
  /** "is not": the part before -d, "! -s 10.244.0.0/16 ", and the part after it, "! -i cni0 "; one of them is "". */
  readonly outsideFrom: string;
  readonly outsideIn: string;
  /** "REJECT --reject-with icmp-port-unreachable" */
  readonly REJECT: string;
}

export function wordsOf(port: ProxiedPort, settings: IptablesSettings): PortWords {
  const hash = servicePortHash(port.label, port.protocol);
  const { localTraffic, family } = settings;
  const bits = family === 4 ? 32 : 128;
  const source = localTraffic?.by === 'source' ? `-s ${localTraffic.cidr} ` : '';
  const input = localTraffic?.by === 'interface' ? `-i ${localTraffic.name} ` : '';
  return {
    P: port.protocol,
    N: port.label,
    SVC: `KUBE-SVC-${hash}`,
    SVL: `KUBE-SVL-${hash}`,
    EXT: `KUBE-EXT-${hash}`,
    FW: `KUBE-FW-${hash}`,
    XLB: `KUBE-XLB-${hash}`,
    host: (ip) => `${ip}/${bits}`,
    local: source + input,
    localKnown: localTraffic !== undefined,
    outsideFrom: source === '' ? '' : `! ${source}`,
    outsideIn: input === '' ? '' : `! ${input}`,
    REJECT: family === 4 ? 'REJECT --reject-with icmp-port-unreachable' : 'REJECT --reject-with icmp6-port-unreachable',
  };
}

const hashes = new WeakMap<ProxiedEndpoint, string>();

/** "KUBE-SEP-…". The hash is kept with the endpoint, which every node's rules share. */
export function endpointChain(port: ProxiedPort, endpoint: ProxiedEndpoint): string {
  let hash = hashes.get(endpoint);
  if (hash === undefined) {
    hash = endpointHash(port.label, port.protocol, endpoint.text);
    hashes.set(endpoint, hash);
  }
  return `KUBE-SEP-${hash}`;
}
