import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { ensurePackages } from '../../scripts/machine.ts';
import { formatEndpoint, parseAddress, parsePrefix } from '../../src/netfilter/address.ts';
import type { NodeNetwork, Outcome } from '../../src/netfilter/outcome.ts';
import { programOf, type DumpText } from '../../src/netfilter/program-of.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { flowSets, type Flow, type FlowSet, type Mode } from './extract.ts';

let sets: Readonly<Record<Mode, FlowSet[]>>;
before(() => {
  ensurePackages(['nftables'], 'listing the rules of kube-proxy’s nftables tests');
  sets = flowSets();
});

/** Their fake of iptables prints built-in chains without a policy; IPv6 rules are in a dump of their own kind. */
function iptablesDumps({ rules }: FlowSet, six: boolean): readonly DumpText[] {
  const text = rules.replace(/^(:(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)) - /gm, '$1 ACCEPT ');
  return [{ name: six ? 'ip6tables-save.txt' : 'iptables-save.txt', text }];
}

/** The commands of nft are carried out in a kernel, which lists what came of them. */
function nftDumps({ rules }: FlowSet): readonly DumpText[] {
  const text = execFileSync('unshare', ['-n', 'sh', '-ec', 'nft -f -; nft list ruleset'], {
    input: rules,
    encoding: 'utf8',
  });
  return [{ name: 'nft.txt', text }];
}

function networkOf({ nodeIPs }: FlowSet): NodeNetwork {
  return {
    interfaces: ['eth0'],
    addresses: nodeIPs.map((text) => ({
      address: parseAddress(text)!,
      length: text.includes(':') ? 64 : 24,
      interface: 'eth0',
    })),
    routes: ['0.0.0.0/0', '::/0'].map((text) => ({ prefix: parsePrefix(text)!, interface: 'eth0' })),
  };
}

function endsOf(outcomes: readonly Outcome[]): string {
  const ends = outcomes.map(({ verdict, translated, destination, destinationPort }) => {
    if (verdict !== 'accept') return verdict.toUpperCase();
    return translated ? formatEndpoint(destination, destinationPort) : '';
  });
  return [...new Set(ends)].sort().join(', ');
}

for (const mode of ['iptables', 'nftables'] as const)
  test(`the packets of kube-proxy's own ${mode} tests go where they expect`, () => {
    const wrong: string[] = [];
    let flows = 0;
    for (const set of sets[mode]) {
      const network = networkOf(set);
      const listed = mode === 'nftables' ? programOf(nftDumps(set)) : undefined;
      for (const flow of set.flows ?? []) {
        flows++;
        const program = listed ?? programOf(iptablesDumps(set, flow.Source.includes(':')));
        const local = [...set.nodeIPs, '127.0.0.1', '::1'].includes(flow.Source);
        const outcomes = trace(program, network, {
          in: local ? 'local' : 'eth0',
          source: parseAddress(flow.Source)!,
          destination: parseAddress(flow.Destination)!,
          protocol: (flow.Protocol || 'tcp') as 'tcp' | 'udp' | 'sctp',
          destinationPort: flow.Port,
        });
        const words = mistake(outcomes, flow);
        if (words)
          wrong.push(`${set.test}, ${flow.Name}: from ${flow.Source} to ${flow.Destination}:${flow.Port}: ${words}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(flows >= 200, `${flows} packets`);
  });

function mistake(outcomes: readonly Outcome[], { Output, Masq }: Flow): string | undefined {
  const expected = Output === 'ACCEPT' ? '' : Output.split(', ').sort().join(', ');
  const ends = endsOf(outcomes);
  if (ends !== expected) return `"${expected}" was expected, not "${ends}"`;
  const masquerade = outcomes.some((outcome) => outcome.verdict === 'accept' && outcome.masquerade);
  if (masquerade !== Masq)
    return Masq ? 'its source was expected to be rewritten' : 'its source was not expected to be rewritten';
  if (outcomes.some(({ assumptions }) => assumptions.length > 0)) return 'it rests on assumptions';
  return undefined;
}
