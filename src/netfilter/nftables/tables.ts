/** An nft dump as part of a node's program. */
import type { Hook, Place } from '../outcome.ts';
import type { Base, ChainType, Rule as ProgramRule, Table as ProgramTable } from '../program.ts';
import { asPart, inOneGo, type Slices } from '../slices.ts';
import { indexElements, type Context } from './context.ts';
import { indexRules } from './dispatch.ts';
import { ARRAY } from './json-scan.ts';
import { readJsonInSlices } from './json.ts';
import { nftablesLanguage, type NftChain } from './language.ts';
import { printStatement } from './print.ts';
import { isIptablesName, once, type Chain, type Expression, type Rule, type Ruleset, type Table } from './ruleset.ts';
import { readTextInSlices } from './text.ts';

const HOOKS = new Set(['prerouting', 'input', 'forward', 'output', 'postrouting']);
const TYPES = new Set(['filter', 'nat', 'route']);

/** Reads `nft list ruleset` or `nft -j list ruleset`, whichever this is. Never throws. */
export function readNft(text: string, dump: string): Ruleset {
  return inOneGo(readNftInSlices(text, dump));
}

/** The same in slices of a few milliseconds: yields the share that is done, 0 to 1. */
export function readNftInSlices(text: string, dump: string): Slices<Ruleset> {
  return isJson(text) ? readJsonInSlices(text, dump) : readTextInSlices(text, dump);
}

const FIRST = new RegExp(`${ARRAY.source}|^[^\\S\\n]*(?:(?:add|create)\\s+)?table\\s`, 'm');

/** By what comes first: either listing may have a shell prompt before it, which may begin with a bracket. */
function isJson(text: string): boolean {
  const first = FIRST.exec(text);
  return first ? first[0].startsWith('{') : /^\s*[{[]/.test(text);
}

/** The tables that IPv4 and IPv6 packets meet. Those of bridge, arp and netdev are read, but a packet's way here does not cross them. */
export function nftTables(ruleset: Ruleset): readonly ProgramTable[] {
  return inOneGo(nftTablesInSlices(ruleset));
}

/**
 * The same in slices of some milliseconds: yields 1, since all is read by then. What a trace would have to look through first, elements of big sets and
 * rules of long chains, is made ready to be looked up by key here; of all others this is done on first use.
 */
export function* nftTablesInSlices(ruleset: Ruleset): Slices<readonly ProgramTable[]> {
  const tables: ProgramTable[] = [];
  for (const table of ruleset.tables)
    if (table.family === 'ip' || table.family === 'ip6' || table.family === 'inet')
      tables.push(yield* programTable(table));
  return tables;
}

const IPTABLES_CHAINS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);

/** Whether iptables-nft keeps its rules in this table: then `iptables-save` says more of it than nft does. */
export function isIptablesTable(table: Pick<Table, 'family' | 'name' | 'chains'>): boolean {
  if (!isIptablesName(table.family, table.name)) return false;
  return table.chains.every((chain) => !chain.base || IPTABLES_CHAINS.has(chain.name));
}

function* programTable(table: Table): Slices<ProgramTable> {
  const iptables = isIptablesTable(table);
  const sets = new Map(table.sets.map((set) => [set.name, set]));
  const chains = new Map<string, NftChain>();
  const bases: NftChain[] = [];
  const made: ProgramTable = {
    engine: iptables ? 'iptables-nft' : 'nftables',
    family: table.family === 'ip' ? 4 : table.family === 'ip6' ? 6 : 'inet',
    name: table.name,
    label: iptables ? table.name : `${table.family} ${table.name}`,
    chains,
    bases,
    language: nftablesLanguage,
  };
  const dormant = table.flags.includes('dormant');
  for (const [i, chain] of table.chains.entries()) {
    const own = new TableChain(made, sets, chain, dormant);
    chains.set(chain.name, own);
    if (own.base) bases.push(own);
    if (chain.isLong) yield* asPart(indexRules(own, chain.rules), () => 1);
    if (i % 10_000 === 9_999) yield 1;
  }
  for (const set of table.sets) if (set.isLong && set.key.length > 0) yield* asPart(indexElements(set), () => 1);
  return made;
}

class TableChain implements NftChain {
  readonly table: ProgramTable;
  readonly source: Chain;
  readonly base?: Base;
  private made: NftChain['ops'] | undefined;
  private readonly sets: Context['sets'];

  constructor(table: ProgramTable, sets: Context['sets'], source: Chain, dormant: boolean) {
    this.table = table;
    this.sets = sets;
    this.source = source;
    const base = dormant ? undefined : baseOf(source);
    if (base) this.base = base;
  }

  /** Of the chains of a big node few are ever run. */
  get ops(): NftChain['ops'] {
    return (this.made ??= []);
  }

  get name(): string {
    return this.source.name;
  }

  get place(): Place {
    return this.source.place;
  }

  get length(): number {
    return this.source.rules.length;
  }

  rule(index: number): ProgramRule {
    return withProblem(this.source.rules[index]!);
  }

  contextOf(index: number): Context {
    const { table, sets, source: chain } = this;
    const translated = table.engine === 'iptables-nft';
    return { table, sets, chain, rule: chain.rules[index]!, number: index + 1, translated };
  }
}

function baseOf({ base }: Chain): Base | undefined {
  if (!base || !HOOKS.has(base.hook) || !TYPES.has(base.type)) return undefined;
  return { hook: base.hook as Hook, priority: base.priority, type: base.type as ChainType, policy: base.policy };
}

const checked = new WeakMap<Rule, ProgramRule>();

/** The rule, with what of it could not be read. */
function withProblem(rule: Rule): ProgramRule {
  const known = checked.get(rule);
  if (known) return known;
  const problem = once(() => problemOf(rule));
  const found: ProgramRule = {
    get text() {
      return rule.text;
    },
    get place() {
      return rule.place;
    },
    get comment() {
      return rule.comment;
    },
    get problem() {
      return problem();
    },
  };
  checked.set(rule, found);
  return found;
}

function problemOf(rule: Rule): ProgramRule['problem'] {
  for (const statement of rule.statements) {
    if (statement.kind === 'unknown')
      return {
        place: rule.place,
        message: `"${statement.text.slice(0, 120)}" is no statement of nftables that is known here: a match or a verdict was expected.`,
        advice: 'Traces follow both ways at this rule. If the dump was damaged, record the node again.',
      };
    if (statement.kind === 'xt' && statement.name === '')
      return {
        place: rule.place,
        message:
          'nft lists this rule of iptables-nft without its target: a verdict or a translation was expected at its end.',
        advice: 'Traces follow both ways at this rule. Record iptables-save as well, which says what it does.',
      };
    if (statement.kind === 'match' && isBackwards(statement.right))
      return {
        place: rule.place,
        message: `"${printStatement(statement)}" is a range that runs backwards: nft 1.0.6 lists two comparisons in a row so.`,
        advice: 'Traces follow both ways at this rule. Record the node with a newer nft to see what it says.',
      };
  }
  return undefined;
}

function isBackwards(expression: Expression): boolean {
  if (expression.kind !== 'range') return false;
  const { low, high } = expression;
  return low.kind === 'number' && high.kind === 'number' && low.value > high.value;
}
