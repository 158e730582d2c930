import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../src/netfilter/address.ts';
import { SELECTORS, STATEMENTS, type Known } from '../../../src/netfilter/nftables/knowledge.ts';
import { programOf } from '../../../src/netfilter/program-of.ts';
import { trace } from '../../../src/netfilter/trace.ts';
import type { Outcome } from '../../../src/netfilter/outcome.ts';

/** A forwarded packet that meets the example; the node's routes are not known, so neither is the way out. */
function traced({ example, hook = 'prerouting', type }: Known): Outcome[] {
  const priority = /^notrack/.test(example) ? 'raw' : type === 'nat' ? 'dstnat' : 'mangle';
  const place = /oifname "eth1" drop$/.test(example) && !example.startsWith('fib') ? 'forward' : hook;
  const text = `table ip t {
	set recent {
		type ipv4_addr
		flags dynamic
	}
	chain c {
		type ${type ?? 'filter'} hook ${place} priority ${priority}; policy accept;
		${example}
	}
}
`;
  const program = programOf([{ name: 'nft.txt', text }]);
  assert.deepEqual(program.problems, []);
  assert.equal(program.tables[0]!.chains.get('c')!.rule(0).problem, undefined, example);
  return trace(
    program,
    { interfaces: ['eth0'], addresses: [], routes: [] },
    {
      in: 'eth0',
      source: parseAddress('203.0.113.9')!,
      destination: parseAddress('10.244.1.5')!,
      protocol: example.startsWith('icmp') ? 'icmp' : 'tcp',
      ...(example.startsWith('icmp') ? {} : { destinationPort: 80 }),
    },
  );
}

for (const known of [...SELECTORS, ...STATEMENTS])
  test(`what is written of "${known.name}" is what a trace does with it`, () => {
    const outcomes = traced(known);
    const asked = outcomes.some(({ assumptions }) => assumptions.length > 0);
    const shared = outcomes.some(({ probability, assumptions }) => assumptions.length === 0 && probability < 1);
    const did = asked ? 'asked' : shared ? 'split' : 'decided';
    const written = known.knowledge === 'unknown' || known.knowledge === 'partly' ? 'asked' : known.knowledge;
    assert.equal(did, written, known.example);
  });
