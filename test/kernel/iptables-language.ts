import type { Family } from '../../src/netfilter/address.ts';
import type { IptablesRule } from '../../src/netfilter/iptables/decode.ts';
import type { Hook } from '../../src/netfilter/outcome.ts';
import { programOf } from '../../src/netfilter/program-of.ts';
import type { RandomLanguage, RuleSet } from './language.ts';
import { randomMatch, randomPort, type Sets } from './iptables-matches.ts';
import { randomTarget } from './iptables-targets.ts';
import type { Random } from './random.ts';

export type Table = 'raw' | 'mangle' | 'nat' | 'filter' | 'security';

/** What a rule is written for. */
export interface Place {
  readonly random: Random;
  readonly family: Family;
  readonly table: Table;
  /** The hook by whose rules the chain is bound: a user chain is only called from chains of its kind. */
  readonly hook: Hook;
  /** A user chain may ask for what iptables refuses in a built-in one (-i in OUTPUT). */
  readonly user: boolean;
  readonly sets: Sets;
  /** Chains that come later, so that no loop is written. */
  readonly below: readonly string[];
}

const HOOKS: Readonly<Record<Table, readonly Hook[]>> = {
  raw: ['prerouting', 'output'],
  mangle: ['prerouting', 'input', 'forward', 'output', 'postrouting'],
  nat: ['prerouting', 'input', 'output', 'postrouting'],
  filter: ['input', 'forward', 'output'],
  security: ['input', 'forward', 'output'],
};

interface Written {
  readonly table: Table;
  readonly declarations: readonly string[];
  readonly rules: readonly string[];
}

function randomTable(random: Random, family: Family, table: Table, sets: Sets): Written {
  const hooks = HOOKS[table];
  const users = Array.from({ length: random.integer(3, 8) }, (_, i) => ({
    name: `${random.one(['KUBE', 'cali', 'DOCKER', 'FW'])}-${table[0]!.toUpperCase()}${i}`,
    // DNAT and SNAT may not be reached from the wrong hook of nat; elsewhere a chain serves all
    hook: random.one(hooks),
  }));
  const declarations = hooks.map((hook) => {
    const drops = (table === 'filter' && random.chance(0.15)) || (table === 'security' && random.chance(0.05));
    return `:${hook.toUpperCase()} ${drops ? 'DROP' : 'ACCEPT'} [0:0]`;
  });
  declarations.push(...users.map(({ name }) => `:${name} - [0:0]`));
  const rules: string[] = [];
  const fill = (name: string, hook: Hook, user: boolean, later: readonly { name: string; hook: Hook }[]): void => {
    const below = later.filter((other) => table !== 'nat' || sameNat(hook, other.hook)).map((other) => other.name);
    for (let n = random.integer(2, 6); n > 0; n--)
      rules.push(`-A ${name} ${randomRule({ random, family, table, hook, user, sets, below })}`);
  };
  for (const hook of hooks) fill(hook.toUpperCase(), hook, false, users);
  for (const [i, { name, hook }] of users.entries()) fill(name, hook, true, users.slice(i + 1));
  return { table, declarations, rules };
}

function sameNat(a: Hook, b: Hook): boolean {
  const destination = (hook: Hook): boolean => hook === 'prerouting' || hook === 'output';
  return a === b || (destination(a) && destination(b));
}

function randomRule(place: Place): string {
  const { random, family, table } = place;
  const target = randomTarget(place);
  let protocol = random.weighted({ none: 5, tcp: 6, udp: 2, sctp: 1, icmp: 1 });
  if (target.needs === 'tcp') protocol = 'tcp';
  else if (target.needs === 'ports' && (protocol === 'none' || protocol === 'icmp'))
    protocol = random.one(['tcp', 'tcp', 'udp']);
  const words: string[] = [];
  let bound: string | undefined = protocol === 'none' ? undefined : protocol;
  if (bound) {
    const negated = !target.needs && protocol !== 'icmp' && random.chance(0.08);
    words.push(`${negated ? '! ' : ''}-p ${protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : protocol}`);
    if (negated) bound = undefined;
  }
  const many = table === 'nat' ? { '0': 3, '1': 5, '2': 1.5, '3': 0 } : { '0': 2, '1': 5, '2': 3, '3': 1 };
  const seen = new Set<string>();
  for (let n = Number(random.weighted(many)); n > 0; n--) {
    const match = randomMatch(place, bound);
    // iptables takes an option of the head and a match once
    const key = /-m (\S+)/.exec(match)?.[1] ?? match.replace('! ', '').slice(0, 2);
    if (seen.has(key)) continue;
    seen.add(key);
    words.push(match);
  }
  if (bound && random.chance(0.5)) words.push(randomPort(place, bound));
  if (random.chance(0.12))
    words.push(`-m comment --comment "${random.one(['a b', 'ns/svc:http cluster IP', 'x', '-j DROP \\"'])}"`);
  return [...words, target.words].join(' ').trim();
}

function ruleSet(family: Family, tables: readonly Written[], sets: readonly string[]): RuleSet {
  const text = tables
    .map(({ table, declarations, rules }) => [`*${table}`, ...declarations, ...rules, 'COMMIT', ''].join('\n'))
    .join('');
  return {
    load: [
      ...(sets.length > 0 ? [{ run: ['ipset', 'restore'], input: sets.join('') }] : []),
      { run: [`ip${family === 6 ? '6' : ''}tables-legacy-restore`], input: text },
    ],
    rules: tables.reduce((sum, { rules }) => sum + rules.length, 0),
    without(index) {
      let left = index;
      const fewer = tables.map((table) => {
        const { rules } = table;
        const at = left;
        left -= rules.length;
        return at < 0 || at >= rules.length ? table : { ...table, rules: rules.filter((_, i) => i !== at) };
      });
      return ruleSet(family, fewer, sets);
    },
  };
}

export const iptablesLanguage: RandomLanguage = {
  name: 'iptables',
  random(random, family) {
    const sets: Sets = new Map();
    const tables: Written[] = [];
    for (const table of ['raw', 'mangle', 'nat', 'filter'] as const)
      if (table === 'nat' || random.chance(0.85)) tables.push(randomTable(random, family, table, sets));
    if (random.chance(0.15)) tables.push(randomTable(random, family, 'security', sets));
    return ruleSet(family, tables, [...sets.values()]);
  },
  list(family, { load }) {
    const save = [[`ip${family === 6 ? '6' : ''}tables-legacy-save`, '-c']];
    return load.length > 1 ? [...save, ['ipset', 'save']] : save;
  },
  program([rules = '', sets], family) {
    return programOf([
      { name: family === 6 ? 'ip6tables-save.txt' : 'iptables-save.txt', text: rules },
      ...(sets === undefined ? [] : [{ name: 'ipset-save.txt', text: sets }]),
    ]);
  },
  counters(program) {
    return program.tables.flatMap(({ chains }) =>
      [...chains.values()].flatMap((chain) =>
        Array.from({ length: chain.length }, (_, index) => {
          const { counters } = chain.rule(index) as IptablesRule;
          return { chain, index, packets: counters?.packets ?? 0 };
        }),
      ),
    );
  },
};
