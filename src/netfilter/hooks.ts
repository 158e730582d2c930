import type { Family } from './address.ts';
import type { Hook } from './outcome.ts';
import type { Chain, Program } from './program.ts';

/**
 * What stands at a hook, in the order in which the kernel runs it. nat chains do not stand there themselves: the nat core does, at one place,
 * and consults them in the order of their own priorities (nf_nat_inet_fn in net/netfilter/nf_nat_core.c).
 */
export type HookEntry =
  | { readonly kind: 'chain'; readonly chain: Chain }
  | { readonly kind: 'nat'; readonly chains: readonly Chain[] }
  | { readonly kind: 'conntrack' };

/** NF_IP_PRI_CONNTRACK, at PREROUTING and OUTPUT. */
const CONNTRACK = -200;
/** The nat core's own place: NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC. */
const NAT: Readonly<Record<Hook, number | undefined>> = {
  prerouting: -100,
  output: -100,
  input: 100,
  postrouting: 100,
  forward: undefined,
};

const cache = new WeakMap<Program, Map<string, readonly HookEntry[]>>();

export function entriesAt(program: Program, family: Family, hook: Hook): readonly HookEntry[] {
  let known = cache.get(program);
  if (!known) cache.set(program, (known = new Map()));
  const key = `${family} ${hook}`;
  let entries = known.get(key);
  if (!entries) known.set(key, (entries = entriesOf(program, family, hook)));
  return entries;
}

function entriesOf(program: Program, family: Family, hook: Hook): readonly HookEntry[] {
  const placed: { readonly priority: number; readonly entry: HookEntry }[] = [];
  const nat: Chain[] = [];
  // Of equal priorities the one registered later comes first: insert before the first that is not smaller.
  const place = (priority: number, entry: HookEntry): void => {
    const at = placed.findIndex((other) => other.priority >= priority);
    placed.splice(at < 0 ? placed.length : at, 0, { priority, entry });
  };
  let core = false;
  for (const table of program.tables) {
    if (table.family !== 'inet' && table.family !== family) continue;
    for (const chain of table.bases) {
      // The first nat chain brings the nat core to all four of its hooks, also to those without chains (nf_nat_register_fn).
      if (chain.base!.type === 'nat' && !core && NAT[hook] !== undefined) {
        place(NAT[hook], { kind: 'nat', chains: nat });
        core = true;
      }
      if (chain.base!.hook !== hook) continue;
      if (chain.base!.type !== 'nat') {
        place(chain.base!.priority, { kind: 'chain', chain });
        continue;
      }
      const at = nat.findIndex((other) => other.base!.priority >= chain.base!.priority);
      nat.splice(at < 0 ? nat.length : at, 0, chain);
    }
  }
  const entries = placed.map(({ entry }) => entry);
  if (hook === 'prerouting' || hook === 'output') {
    const at = placed.findIndex((other) => other.priority >= CONNTRACK);
    entries.splice(at < 0 ? entries.length : at, 0, { kind: 'conntrack' });
  }
  return entries;
}
