import type { Node } from '../../kubernetes/objects.ts';
import type { Family } from '../../netfilter/address.ts';
import type { Configuration } from '../configuration.ts';
import { localTraffic } from '../local-traffic.ts';
import { nodeIP } from '../node-addresses.ts';
import type { NodeFacts } from '../node-facts.ts';
import { addressesIn, nodePortRanges } from '../node-ports.ts';
import { atLeast, type Release } from '../version.ts';
import type { IptablesSettings, NodePorts } from './settings.ts';

export interface IptablesOptions {
  /** The node's name: endpoints on it are local. */
  readonly name: string;
  /** Its object, where the source has it. */
  readonly node: Node | undefined;
  readonly family: Family;
  readonly release: Release;
  readonly configuration: Configuration;
  readonly facts: NodeFacts;
}

/** Configuration, release and node as the rules need them. */
export function resolveSettings(options: IptablesOptions, endpoints: number): IptablesSettings {
  const { node, family, release, configuration, facts } = options;
  return {
    family,
    release,
    mark: `0x${(2 ** configuration.masqueradeBit.value).toString(16)}`,
    masqueradeAll: configuration.masqueradeAll.value,
    localTraffic: localTraffic(configuration, node, family),
    nodePorts: nodePorts(options),
    nodeIP: nodeIP(configuration, node, family, release),
    nfacct: facts.nfacct.value,
    tcpBeLiberal: configuration.tcpBeLiberal.value || facts.tcpBeLiberal.value,
    // 1.37 takes it for granted.
    randomFully: atLeast(release, 37) || facts.randomFully.value,
    large: endpoints > 1000,
  };
}

function nodePorts({ node, family, release, configuration, facts }: IptablesOptions): NodePorts {
  const ranges = nodePortRanges(configuration, node, family, release);
  const wanted = family === 4 && configuration.localhostNodePorts.value;
  // Up to 1.25 there was no such switch; from 1.27 on ranges without loopback turn it off.
  const containsLoopback =
    ranges.length === 0 || addressesIn(ranges, ['127.0.0.0']).length > 0 || ranges.some(isLoopback);
  const onLocalhost = !atLeast(release, 26) || (wanted && (!atLeast(release, 27) || containsLoopback));
  if (ranges.length === 0) return { addresses: 'all', someAddress: true, onLocalhost };
  const found = addressesIn(ranges, facts.addresses.value);
  const usable = (ip: string) => !atLeast(release, 26) || !isLoopback(ip) || (family === 4 && onLocalhost);
  return { addresses: found.filter(usable), someAddress: found.length > 0, onLocalhost };
}

function isLoopback(text: string): boolean {
  return text.startsWith('127.') || text.split('/')[0] === '::1';
}
