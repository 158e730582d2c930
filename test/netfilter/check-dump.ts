import assert from 'node:assert/strict';
import type { Outcome, Place } from '../../src/netfilter/outcome.ts';
import { programOf, type DumpText } from '../../src/netfilter/program-of.ts';
import type { Program } from '../../src/netfilter/program.ts';
import { readNft } from '../../src/netfilter/nftables/tables.ts';
import { trace } from '../../src/netfilter/trace.ts';
import { NETWORK, packet } from './follow.ts';

const PACKETS = [
  packet('eth0 203.0.113.9 -> 10.96.222.131 tcp 8080'),
  packet('local 172.18.0.2 -> 172.18.0.2 tcp 30090'),
  packet('cni0 10.244.0.1 -> 10.96.153.66 udp 53', { state: 'established' }),
  packet('cni0 fd00:10:244:1::5 -> fd00:10:96::930 tcp 80', { sourcePort: 40000 }),
];

/**
 * What holds of any dumps, whatever they are: they are read, everything keeps its place, traces end, and their shares add up to 1. Throws an
 * AssertionError, or what the readers throw.
 */
export function checkDumps(dumps: readonly DumpText[]): void {
  const program = programOf(dumps);
  assertPlaces(program);
  for (const { name, text } of dumps) if (name.startsWith('nft')) lookAtAll(text, name);
  for (const one of PACKETS) assertSums(trace(program, NETWORK, one));
}

/** Every place is in its text, on the line that it says. */
function assertPlaces(program: Program): void {
  const lines = new Map([...program.texts].map(([name, text]) => [name, lineStarts(text)]));
  const check = (place: Place, what: string): void => {
    const text = program.texts.get(place.dump);
    const starts = lines.get(place.dump);
    assert.ok(text !== undefined && starts, `${what} is in no dump: ${JSON.stringify(place)}`);
    const { start, end, line } = place;
    assert.ok(start >= 0 && start <= end && end <= text.length, `${what} is not in the text: ${JSON.stringify(place)}`);
    assert.equal(line, lineOf(starts, start), `the line of ${what} at ${start}`);
  };
  for (const { place, message } of program.problems) check(place, `"${message}"`);
  for (const table of program.tables)
    for (const chain of table.chains.values()) {
      check(chain.place, `the chain ${chain.name}`);
      for (let i = 0; i < chain.length; i++) {
        const rule = chain.rule(i);
        check(rule.place, `rule ${i} of ${chain.name}`);
        if (rule.problem) check(rule.problem.place, `the problem of rule ${i} of ${chain.name}`);
        if (table.engine === 'nftables') assert.equal(typeof rule.text, 'string');
        else if (rule.place.dump.includes('save'))
          assert.ok(program.texts.get(rule.place.dump)!.slice(rule.place.start, rule.place.end).endsWith(rule.text));
      }
    }
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Everything that an nft listing has, also what no trace asks for: whatever is read late is read. */
export function lookAtAll(text: string, name: string): void {
  for (const table of readNft(text, name).tables) {
    for (const { rules } of table.chains)
      for (const { statements, comment, text: words } of rules)
        assert.ok(statements.length >= 0 && typeof words === 'string' && typeof (comment ?? '') === 'string');
    for (const set of table.sets) assert.ok(set.elements.every(({ key }) => typeof key.kind === 'string'));
  }
}

/** For each set of assumptions, the outcomes that fit it add up to 1. */
export function assertSums(outcomes: readonly Outcome[]): void {
  const words = [...new Set(outcomes.flatMap(({ assumptions }) => assumptions.map((one) => one.words)))];
  if (words.length > 6 || words.some((one) => /which calls itself|more than \d+ rules/.test(one))) return;
  for (let bits = 0; bits < 2 ** words.length; bits++) {
    const holds = (one: string): boolean => ((bits >> words.indexOf(one)) & 1) === 1;
    let sum = 0;
    for (const { assumptions, probability } of outcomes)
      if (assumptions.every((one) => one.holds === holds(one.words))) sum += probability;
    assert.ok(Math.abs(sum - 1) < 1e-9, `the shares add up to ${sum}`);
  }
}
