import type { Family } from '../../../src/netfilter/address.ts';
import { MARKS, POOL, PORTS } from '../node.ts';
import type { Random } from '../random.ts';
import type { RuleSet } from '../language.ts';
import { randomMatch } from './random-matches.ts';
import { randomAction } from './random-actions.ts';

/** One rule while it is being made: what earlier words have said, which later ones must not contradict. */
export interface Draft {
  readonly random: Random;
  readonly family: Family;
  /** The table's: "ip", "ip6" or "inet". */
  readonly table: string;
  readonly hook: string;
  readonly type: string;
  readonly priority: number;
  /** Chains that this one may call. */
  readonly below: readonly string[];
  /** The transport protocol that the rule asks for; "some" where it has one that is not a single one. */
  transport?: string;
  /** The rule has a `<` or `>` already: nft 1.0.6 lists two of them as one range, whatever they compare. */
  unequal?: boolean;
  /** Adds a set or map to the table; its reference. */
  define(kind: 'set' | 'map', type: string, elements: readonly string[], interval: boolean): string;
}

export const ip = ({ family }: Draft): 'ip' | 'ip6' => (family === 4 ? 'ip' : 'ip6');
export const addressType = ({ family }: Draft): string => (family === 4 ? 'ipv4_addr' : 'ipv6_addr');
export const pool = ({ family }: Draft): (typeof POOL)[4] | (typeof POOL)[6] => POOL[family];

export function destination(draft: Draft): string {
  return draft.random.one(pool(draft)[draft.random.weighted({ vips: 5, pods: 2, local: 2 })]);
}

export function source(draft: Draft): string {
  const { clients, local } = pool(draft);
  return draft.random.one([...clients.map(([, address]) => address), local[0]]);
}

export function different(draft: Draft, of: () => string, most: number): string[] {
  return [...new Set(Array.from({ length: draft.random.integer(1, most) }, of))].sort();
}

export const mark = ({ random }: Draft): string => `0x${random.one(MARKS).toString(16)}`;
export const port = ({ random }: Draft): number => random.one(PORTS);

interface Chain {
  readonly name: string;
  /** "type filter hook …" or '' */
  readonly head: string;
  readonly rules: readonly string[];
}

interface Table {
  readonly family: string;
  readonly name: string;
  readonly definitions: readonly string[];
  readonly chains: readonly Chain[];
}

/** Priority -199 is the oracle's, which ends the answers of known connections there: a chain beside it would meet them in one run and not in another. */
const FILTER: Readonly<Record<string, readonly number[]>> = {
  prerouting: [-320, -300, -250, -198, -150, -110, -100, -90, 0, 20, 300],
  input: [-150, -10, 0, 0, 1, 50, 110, 200],
  forward: [-150, -10, 0, 0, 10, 100],
  output: [-320, -300, -198, -150, -110, -90, 0, 0, 20, 300],
  postrouting: [-150, -10, 0, 90, 110, 300],
};
const NAT: Readonly<Record<string, readonly number[]>> = {
  prerouting: [-150, -110, -100, -100, -90, 5],
  output: [-150, -110, -100, -100, -90, 5],
  postrouting: [90, 100, 100, 110, -20],
  input: [90, 100, 110],
};

/** A whole rule set that nft accepts, whose rules and packets draw from the same small pools. */
export function randomRuleSet(random: Random, family: Family): RuleSet {
  const own = family === 4 ? 'ip' : 'ip6';
  const names = random.some(['second', 'third-table', 'fourth_table'], 1, 2);
  const tables: Table[] = [randomTable(random, family, own, 'first')];
  for (const name of names) tables.push(randomTable(random, family, random.one([own, 'inet']), name));
  return ruleSet(tables, random.chance(0.2) ? ELSEWHERE : '');
}

/** Chains that drop everything where these packets never come. */
const ELSEWHERE = `table arp elsewhere {
 chain input { type filter hook input priority 0; policy drop; }
}
table bridge elsewhere {
 chain forward { type filter hook forward priority 0; policy drop; }
}
`;

function ruleSet(tables: readonly Table[], more: string): RuleSet {
  const rules = tables.reduce((sum, table) => sum + table.chains.reduce((n, chain) => n + chain.rules.length, 0), 0);
  return {
    load: [{ run: ['nft', '-f', '-'], input: tables.map(print).join('') + more }],
    rules,
    without(index) {
      let at = 0;
      const left = tables.map((table) => ({
        ...table,
        chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter(() => at++ !== index) })),
      }));
      return ruleSet(left, more);
    },
  };
}

function print({ family, name, definitions, chains }: Table): string {
  const body = chains.map(
    (chain) =>
      ` chain ${chain.name} {\n${[chain.head, ...chain.rules]
        .filter(Boolean)
        .map((line) => `  ${line}\n`)
        .join('')} }\n`,
  );
  return `table ${family} ${name} {\n${definitions.map((line) => ` ${line}\n`).join('')}${body.join('')}}\n`;
}

type Kind = 'filter' | 'destination' | 'source';

function randomTable(random: Random, family: Family, tableFamily: string, name: string): Table {
  const definitions: string[] = [];
  const define: Draft['define'] = (kind, type, elements, interval) => {
    const set = `${random.one(['s', 'set-', 'of_'])}${definitions.length}`;
    const flags = interval ? ' flags interval;' : '';
    definitions.push(`${kind} ${set} { type ${type};${flags} elements = { ${elements.join(', ')} } }`);
    return `@${set}`;
  };
  const user = Array.from({ length: random.integer(3, 7) }, (_, i) => ({
    name: `${random.one(['u', 'svc-', 'ep_'])}${i}`,
    kind: random.weighted<Kind>({ destination: 3, source: 1.5, filter: 3 }),
  }));
  const rules = (
    kind: Kind,
    head: Pick<Draft, 'hook' | 'type' | 'priority'>,
    below: typeof user,
    most: number,
  ): string[] => {
    const names = below.filter((chain) => chain.kind === kind).map((chain) => chain.name);
    return Array.from({ length: random.integer(1, most) }, () =>
      randomRule({ random, family, table: tableFamily, ...head, below: names, define }, kind),
    );
  };
  // A chain is written before those that call it, so that every jump's target is known.
  const called = user.map(({ name: chain, kind }, i): Chain => ({
    name: chain,
    head: '',
    rules: rules(kind, { hook: '', type: '', priority: 0 }, user.slice(i + 1), 5),
  }));
  const bases: Chain[] = [];
  const base = (type: string, hook: string, priority: number, policy: string, suffix: string): void => {
    const kind: Kind =
      type !== 'nat' ? 'filter' : hook === 'prerouting' || hook === 'output' ? 'destination' : 'source';
    bases.push({
      name: `${type}-${hook}${suffix}`,
      head: `type ${type} hook ${hook} priority ${priority}; policy ${policy};`,
      rules: rules(kind, { hook, type, priority }, user, 6),
    });
  };
  for (const [hook, priorities] of Object.entries(FILTER)) {
    const nat = NAT[hook];
    if (nat && random.chance(hook === 'input' ? 0.25 : 0.6)) base('nat', hook, random.one(nat), 'accept', '');
    for (let n = Number(random.weighted({ 0: 4, 1: 5, 2: 1 })); n > 0; n--)
      base('filter', hook, random.one(priorities), random.chance(0.05) ? 'drop' : 'accept', n > 1 ? `-${n}` : '');
  }
  if (random.chance(0.1)) base('route', 'output', -150, 'accept', '');
  return { family: tableFamily, name, definitions, chains: [...called.reverse(), ...random.shuffled(bases)] };
}

function randomRule(draft: Draft, kind: Kind): string {
  const { random } = draft;
  const words: string[] = [];
  for (let n = Number(random.weighted({ 0: 2, 1: 6, 2: 4, 3: 1 })); n > 0; n--) words.push(randomMatch(draft));
  const action = randomAction(draft, kind);
  if (random.chance(0.25)) words.push('counter');
  words.push(action);
  if (random.chance(0.06)) words.push(`comment "${random.one(['ns/svc:http', 'a b', 'drop { this }; not'])}"`);
  // nft takes a test for the family as a contradiction of what says it in other words.
  const said = words.some(
    (word) => /^(ip6?|ct original ip6?|icmp|icmpv6|fib) /.test(word) || / ip6? [sd]addr/.test(word),
  );
  const translates = /\b(dnat|snat|masquerade|redirect)\b/.test(action);
  const dropped = said || translates || words.filter((word) => word.startsWith('meta nfproto')).length > 1;
  return words.filter((word) => word !== '' && !(dropped && word.startsWith('meta nfproto'))).join(' ');
}
