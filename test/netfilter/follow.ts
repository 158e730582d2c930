import { formatAddress, formatEndpoint, parseAddress, parsePrefix } from '../../src/netfilter/address.ts';
import type { NodeNetwork, Outcome, PacketCase } from '../../src/netfilter/outcome.ts';
import { programOf } from '../../src/netfilter/program-of.ts';
import { trace, type TraceOptions } from '../../src/netfilter/trace.ts';

/** A node with two interfaces and both families, for tests that write their own rules. */
export const NETWORK: NodeNetwork = networkOf(
  [
    ['172.18.0.2/16', 'eth0'],
    ['10.244.1.254/24', 'cni0'],
    ['fd00:18::2/64', 'eth0'],
    ['fd00:10:244:1::fe/64', 'cni0'],
  ],
  [
    ['0.0.0.0/0', 'eth0'],
    ['::/0', 'eth0'],
  ],
);

function networkOf(
  addresses: readonly (readonly [string, string])[],
  routes: readonly (readonly [string, string])[],
): NodeNetwork {
  return {
    interfaces: ['eth0', 'cni0'],
    addresses: addresses.map(([text, name]) => ({
      address: parseAddress(text.slice(0, text.indexOf('/')))!,
      length: parsePrefix(text)!.length,
      interface: name,
    })),
    routes: routes.map(([text, name]) => ({ prefix: parsePrefix(text)!, interface: name })),
  };
}

/** "eth0 203.0.113.9 -> 10.96.0.10 tcp 80" */
export function packet(words: string, more: Partial<PacketCase> = {}): PacketCase {
  const [way, source, , destination, protocol, port] = words.split(' ');
  return {
    in: way!,
    source: parseAddress(source!)!,
    destination: parseAddress(destination!)!,
    protocol: protocol as PacketCase['protocol'],
    ...(port === undefined ? {} : { destinationPort: Number(port) }),
    ...more,
  };
}

export function follow(rules: string, one: PacketCase, options: TraceOptions = {}): Outcome[] {
  const name = one.source.family === 6 ? 'ip6tables-save.txt' : 'iptables-save.txt';
  return trace(programOf([{ name, text: rules }]), NETWORK, one, options);
}

/** Outcomes in one line each: "0.5 accept 10.0.0.1:80 from 172.18.0.2 if …". */
export function told(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(
    ({ probability, verdict, rejectWith, destination, destinationPort, masquerade, source, assumptions }) =>
      [
        String(Number(probability.toFixed(4))),
        verdict,
        ...(rejectWith ? [rejectWith] : []),
        formatEndpoint(destination, destinationPort),
        ...(masquerade ? [`from ${source ? formatAddress(source) : 'somewhere'}`] : []),
        ...assumptions.map(({ words, holds }) => `${holds ? 'if' : 'unless'} ${words}`),
      ].join(' '),
  );
}
