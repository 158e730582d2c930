import { negated, unknown, within, type Answer, type Test } from '../answer.ts';
import { optionOf, type MatchModule, type Option } from '../module.ts';
import type { State } from '../../state.ts';
import { PORT_NAMES } from '../../port-names.ts';
import { named } from '../../named.ts';

export type Ranges = readonly (readonly [number, number])[];

/** A client's port, where the packet does not say it. */
export const EPHEMERAL = [1024, 65535] as const;

/** "80", "80:90", ":90", "80:", "http". */
export function parsePorts(text: string): readonly [number, number] | undefined {
  const [first, second, more] = text.split(':');
  if (more !== undefined) return undefined;
  const low = first === '' ? 0 : parsePort(first!);
  const high = second === undefined ? low : second === '' ? 65535 : parsePort(second);
  return low === undefined || high === undefined ? undefined : [low, high];
}

export function parsePort(text: string): number | undefined {
  if (/^\d{1,5}$/.test(text)) return Number(text) <= 65535 ? Number(text) : undefined;
  return named(PORT_NAMES, text);
}

/**
 * So few ports that a client's is none of them: with 64 of 64,512 it would be one in a thousand. Servers that answer have such
 * ports, and their packets belong to known connections or say their port.
 */
const FEW = 64;

export function sourcePortIn(state: State, ranges: Ranges): Answer {
  if (state.protocol === 'icmp') return false;
  if (state.sourcePort === undefined) {
    let ports = 0;
    for (const [low, high] of ranges) ports += Math.max(0, high - Math.max(low, EPHEMERAL[0]) + 1);
    if (ports <= FEW) return false;
  }
  return within(state.sourcePort, ranges, EPHEMERAL) ?? unknown(state, `the source port is ${describe(ranges)}`);
}

export function destinationPortIn(state: State, ranges: Ranges): boolean {
  const port = state.destinationPort;
  return port !== undefined && ranges.some(([low, high]) => port >= low && port <= high);
}

function describe(ranges: Ranges): string {
  return ranges.map(([low, high]) => (low === high ? `${low}` : `${low} to ${high}`)).join(' or ');
}

/** --sport and --dport, as tcp, udp, sctp and dccp share them; undefined where neither is given, a text where one is wrong. */
export function portTests(options: readonly Option[]): readonly Test[] | string {
  const tests: Test[] = [];
  for (const [names, test] of [
    [['--sport', '--source-port'], sourcePortIn],
    [['--dport', '--destination-port'], destinationPortIn],
  ] as const) {
    const option = optionOf(options, ...names);
    if (!option) continue;
    const range = parsePorts(option.values[0]?.text ?? '');
    if (!range) return `a port or a range of ports was expected after ${option.name}`;
    tests.push(negated(option.negated, (state) => test(state, [range])));
  }
  return tests;
}

const PORTED = new Set(['tcp', 'udp', 'sctp', 'udplite', 'dccp']);

export const multiport: MatchModule = {
  names: ['multiport'],
  knowledge: 'partly',
  about:
    'by the destination port; a source port that the packet does not name is asked for where a range cuts 1024 to 65535',
  compile(options, context) {
    const option = optionOf(options, '--sports', '--source-ports', '--dports', '--destination-ports', '--ports');
    if (!option) return '--sports, --dports or --ports was expected';
    const ranges: (readonly [number, number])[] = [];
    for (const part of (option.values[0]?.text ?? '').split(',')) {
      const range = parsePorts(part);
      if (!range) return `a list of ports was expected after ${option.name}`;
      ranges.push(range);
    }
    if (context.protocol !== undefined && !PORTED.has(context.protocol)) return `${context.protocol} has no ports`;
    const source: Test = (state) => sourcePortIn(state, ranges);
    const destination: Test = (state) => destinationPortIn(state, ranges);
    const either: Test = (state) => destinationPortIn(state, ranges) || sourcePortIn(state, ranges);
    const kind = option.name.startsWith('--s') ? source : option.name === '--ports' ? either : destination;
    return negated(option.negated, kind);
  },
};
