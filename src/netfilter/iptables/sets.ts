import { formatAddress } from '../address.ts';
import type { SetPacket } from '../ipset.ts';
import type { State } from '../state.ts';

/** What a packet shows to an ipset. */
export function setPacket(state: State): SetPacket {
  return {
    address: (direction) => (direction === 'src' ? state.source : state.destination),
    port: (direction) => (direction === 'src' ? state.sourcePort : state.destinationPort),
    interface: (direction) => (direction === 'src' ? state.in : state.out),
    protocol: state.protocol === 'icmp' && state.source.family === 6 ? 'icmpv6' : state.protocol,
    mark: state.mark,
  };
}

/** "10.0.0.1,80 (dst,dst) is in the set NAME": names the unknown, and what the SET target has written down. */
export function setWords(name: string, directions: readonly ('src' | 'dst')[], packet: SetPacket): string {
  const first = directions[0] ?? 'src';
  const parts = directions.map((direction, i) =>
    i === 0
      ? formatAddress(packet.address(direction))
      : direction === first
        ? (packet.port(direction) ?? 'its port')
        : formatAddress(packet.address(direction)),
  );
  return `${parts.join(',')} (${directions.join(',')}) is in the set ${name}`;
}
