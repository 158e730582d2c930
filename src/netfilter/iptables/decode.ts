import type { Family } from '../address.ts';
import type { Branch } from '../evaluation.ts';
import type { Place } from '../outcome.ts';
import type { ReadProblem, Rule } from '../program.ts';
import { assume } from '../state.ts';
import { every, negated, type Test } from './answer.ts';
import { garbledBy } from './garbled.ts';
import { addressTest, interfaceTest } from './matches/addresses.ts';
import { askByWords } from './matches/unknown.ts';
import { unknownTarget } from './targets/verdicts.ts';
import type { Action, Context, Option } from './module.ts';
import { matchModule, targetModule } from './registry.ts';
import { afterCounters } from './scan.ts';
import { tokensOf, type Token } from './tokens.ts';
import { named } from '../named.ts';

/** A rule of iptables, read and compiled. */
export interface IptablesRule extends Rule {
  /** Split anew at each call: kept, they were a third of what decoded rules took (48,512 of them: 125 MB, and 85 without). */
  tokens(): readonly Token[];
  /** -s, -d, -i, -o, -p, -f and the matches, in the order in which the kernel tries them. */
  readonly test: Test;
  readonly target: Target;
  /** Of iptables-save -c. */
  readonly counters?: { readonly packets: number; readonly bytes: number };
}

export type Target =
  /** The rule counts and does nothing. */
  | { readonly kind: 'none' }
  | { readonly kind: 'call'; readonly name: string; readonly goto: boolean; readonly token: Token }
  | { readonly kind: 'action'; readonly name: string; readonly action: Action; readonly token: Token };

export interface RuleSource {
  readonly text: string;
  readonly dump: string;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly line: number;
  readonly start: number;
  /** Whether the table has a chain of that name: -j may mean either. */
  isChain(name: string): boolean;
}

export function decodeRule(source: RuleSource): IptablesRule {
  const { text, dump, line, start } = source;
  let end = text.indexOf('\n', start);
  if (end < 0) end = text.length;
  if (end > start && text.charCodeAt(end - 1) === 13) end--;
  const place: Place = { dump, line, start, end };
  const from = text.charCodeAt(start) === 91 ? afterCounters(text, start, end) : start;
  const tokens = tokensOf(text, from, end);
  const parts = partsOf(tokens.slice(2));
  const whole = text.slice(from, end);
  const head = parts.head.find((option) => option.name === '-p');
  const context: Omit<Context, 'words'> = {
    family: source.family,
    table: source.table,
    chain: source.chain,
    protocol:
      head && !head.negated ? (named(PROTOCOL_NAMES, head.values[0]?.text ?? '') ?? head.values[0]?.text) : undefined,
    place,
  };
  const problems: string[] = [];
  const tests: Test[] = [];
  for (const option of parts.head) {
    const test = headTest(option, context);
    if (typeof test === 'string') problems.push(test);
    else if (test) tests.push(test);
  }
  if (parts.matches.length > MOST_MATCHES) {
    problems.push(`${parts.matches.length} matches are more than a rule can have`);
    tests.push(askByWords(`${whole.slice(0, 80)}…`));
  }
  for (const match of parts.matches.length > MOST_MATCHES ? [] : parts.matches) {
    const module = matchModule(match.name);
    const words = text.slice(match.tokens[0]!.start, match.tokens[match.tokens.length - 1]!.end);
    const options = optionsOf(match.tokens.slice(2), module);
    const test = module ? module.compile(options, { ...context, words }) : askByWords(words);
    if (typeof test === 'string') {
      problems.push(`in "${words}", ${test}`);
      tests.push(askByWords(words));
    } else tests.push(test);
  }
  const target = targetOf(parts.target, source, context, problems);
  const wrong =
    garbledBy(tokens, source) ?? (parts.stray ? `nothing is known that "${parts.stray.text}" means here` : problems[0]);
  const problem: ReadProblem | undefined =
    wrong === undefined
      ? undefined
      : {
          place,
          message: `Line ${line} cannot be read fully: ${wrong}.`,
          advice:
            'Print the rules with the iptables that wrote them (its version and backend), or look at the node with nft.',
        };
  const counters = /^\[(\d+):(\d+)\]/.exec(text.slice(start, Math.min(from, start + 60)));
  const comment = parts.matches.find((match) => match.name === 'comment')?.tokens[3]?.text;
  return {
    text: whole,
    place,
    tokens: () => tokensOf(text, from, end),
    test: every(tests.length > 0 ? tests : [always]),
    target,
    ...(comment === undefined ? {} : { comment }),
    ...(problem ? { problem } : {}),
    ...(counters ? { counters: { packets: Number(counters[1]), bytes: Number(counters[2]) } } : {}),
  };
}

/** A rule takes 64 KB at most in the kernel (next_offset of struct ipt_entry), and a match with anything to say more than 60 bytes of it. */
const MOST_MATCHES = 1000;

const always: Test = () => true;

interface Parts {
  readonly head: readonly Option[];
  readonly matches: readonly { readonly name: string; readonly tokens: readonly Token[] }[];
  readonly target: readonly Token[];
  /** A word that belongs to nothing. */
  readonly stray: Token | undefined;
}

const HEAD: Readonly<Record<string, string>> = {
  '-s': '-s',
  '--source': '-s',
  '--src': '-s',
  '-d': '-d',
  '--destination': '-d',
  '--dst': '-d',
  '-i': '-i',
  '--in-interface': '-i',
  '-o': '-o',
  '--out-interface': '-o',
  '-p': '-p',
  '--protocol': '-p',
  '--proto': '-p',
  '-f': '-f',
  '--fragment': '-f',
};
const JUMPS: Readonly<Record<string, boolean>> = { '-j': false, '--jump': false, '-g': true, '--goto': true };

/** Cuts a rule's words (behind "-A CHAIN") into the head, the matches, each with its words, and the target with its own. */
function partsOf(tokens: readonly Token[]): Parts {
  const head: Option[] = [];
  const matches: { name: string; tokens: Token[] }[] = [];
  const target: Token[] = [];
  let stray: Token | undefined;
  let into: Token[] | undefined;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const word = token.quoted ? '' : token.text;
    const negation = word === '!' && tokens[at + 1] !== undefined;
    const next = negation ? tokens[at + 1]! : token;
    const key = next.quoted ? undefined : named(HEAD, next.text);
    if (key && target.length === 0) {
      if (negation) at++;
      let negated = negation;
      if (key !== '-f' && tokens[at + 1]?.text === '!' && !tokens[at + 1]!.quoted) {
        negated = true; // as it was written before iptables 1.4.3
        at++;
      }
      const value = key === '-f' ? undefined : tokens[++at];
      head.push({ name: key, negated, values: value ? [value] : [], token: next });
      into = undefined;
      continue;
    }
    if ((word === '-m' || word === '--match') && target.length === 0) {
      into = [token];
      const name = tokens[++at];
      if (name) into.push(name);
      matches.push({ name: name?.text ?? '', tokens: into });
      continue;
    }
    if (named(JUMPS, word) !== undefined && target.length === 0) {
      into = target;
      target.push(token);
      const name = tokens[++at];
      if (name) target.push(name);
      continue;
    }
    if (!into) {
      // "-p tcp --dport 80" without -m: the protocol's own match
      const protocol = head.find((option) => option.name === '-p' && !option.negated);
      if (protocol?.values[0] && (negation || word.startsWith('--'))) {
        const name = { 'ipv6-icmp': 'icmp6', icmpv6: 'icmp6' }[protocol.values[0].text] ?? protocol.values[0].text;
        into = [protocol.token, protocol.values[0]];
        matches.push({ name, tokens: into });
      } else {
        stray ??= token;
        continue;
      }
    }
    into.push(token);
  }
  return { head, matches, target, stray };
}

/** The options among the words of a match or target, each with its values; "!" may stand before the option or behind it. */
function optionsOf(
  tokens: readonly Token[],
  module: { readonly flags?: readonly string[]; readonly pairs?: readonly string[] } | undefined,
): Option[] {
  const options: (Option & { readonly values: Token[] })[] = [];
  let negated = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (!token.quoted && token.text === '!') {
      negated = true;
      continue;
    }
    if (token.quoted || !/^--?[a-zA-Z]/.test(token.text)) {
      // a value more than expected belongs to the option before
      options[options.length - 1]?.values.push(token);
      continue;
    }
    const flag = module?.flags?.includes(token.text) && !module.pairs?.includes(token.text);
    const pair = module?.pairs?.includes(token.text);
    const values: Token[] = [];
    if (!flag) {
      if (tokens[at + 1]?.text === '!' && !tokens[at + 1]!.quoted) {
        negated = true;
        at++;
      }
      for (let n = 0; n < (pair ? 2 : 1); n++) {
        const value = tokens[at + 1];
        if (!value || (!module && !value.quoted && /^(!$|--?[a-zA-Z])/.test(value.text))) break;
        values.push(value);
        at++;
      }
    }
    options.push({ name: token.text, negated, values, token });
    negated = false;
  }
  return options;
}

/** By the numbers and names of /etc/protocols that iptables prints. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = {
  '0': 'all',
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '58': 'ipv6-icmp',
  '132': 'sctp',
  '136': 'udplite',
  '33': 'dccp',
  icmpv6: 'ipv6-icmp',
};

function headTest(option: Option, { family }: Omit<Context, 'words'>): Test | undefined | string {
  const text = option.values[0]?.text;
  if (option.name === '-f') return option.negated ? undefined : () => false;
  if (text === undefined) return `a value was expected after ${option.name}`;
  switch (option.name) {
    case '-s':
    case '-d': {
      const which = option.name === '-s' ? 'source' : 'destination';
      const tests = text.split(',').map((one) => addressTest(which, one, family));
      if (tests.includes(undefined)) return `"${text}" is no IPv${family} address or network`;
      const any: Test = (state, spot) => tests.some((test) => test!(state, spot) === true);
      return negated(option.negated, tests.length === 1 ? tests[0]! : any);
    }
    case '-i':
      return negated(option.negated, interfaceTest('in', text));
    case '-o':
      return negated(option.negated, interfaceTest('out', text));
    default: {
      const name = named(PROTOCOL_NAMES, text.toLowerCase()) ?? text.toLowerCase();
      if (name === 'all') return option.negated ? () => false : undefined;
      const icmp = family === 6 ? 'ipv6-icmp' : 'icmp';
      return ({ protocol }) => ((protocol === 'icmp' ? icmp : protocol) === name) !== option.negated;
    }
  }
}

function targetOf(
  tokens: readonly Token[],
  source: RuleSource,
  context: Omit<Context, 'words'>,
  problems: string[],
): Target {
  const name = tokens[1];
  if (tokens.length === 0) return { kind: 'none' };
  const words = source.text.slice((name ?? tokens[0]!).start, tokens[tokens.length - 1]!.end);
  if (!name) {
    problems.push('a target was expected at the end');
    return { kind: 'action', name: '', action: unknownTarget(''), token: tokens[0]! };
  }
  const goto = JUMPS[tokens[0]!.text] === true;
  const module = goto ? undefined : targetModule(name.text);
  if (source.isChain(name.text) && !(module && BUILTIN.has(name.text)))
    return { kind: 'call', name: name.text, goto, token: name };
  const options = optionsOf(tokens.slice(2), module);
  const action = module?.compile(options, { ...context, words }, name.text);
  if (typeof action === 'string') problems.push(`in "${words}", ${action}`);
  // A target that is not known is followed both ways; a chain that is not there tells that the dump is not whole.
  if (!module && (goto || /^(KUBE-|cali-)/.test(name.text))) problems.push(`the chain ${name.text} is not in the dump`);
  return {
    kind: 'action',
    name: name.text,
    action: typeof action === 'function' ? action : unknownTarget(words),
    token: name,
  };
}

const BUILTIN = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);

/** What a rule that must not be believed may have done: matched or not, and then let the packet go on or not. */
export function unbelievable(rule: IptablesRule): (branch: Parameters<Action>[0]) => readonly Branch[] {
  return (state) =>
    assume(state, `the rule of line ${rule.place.line}, which cannot be read fully, does nothing`, rule.place).map(
      ({ state: assumed, holds }): Branch => ({
        state: assumed,
        verdict: holds ? { kind: 'continue' } : { kind: 'drop' },
        effect: 'unknown',
      }),
    );
}
