import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { both, catalogue, recordedPairs } from './dumps.ts';
import type { NamedSet, Rule, Statement } from '../../../src/netfilter/nftables/ruleset.ts';

/** Counters move between the two recordings of one node. */
function still(statements: readonly Statement[]): readonly Statement[] {
  return statements.map((statement) =>
    statement.kind === 'counter' ? { kind: 'counter', packets: 0, bytes: 0 } : statement,
  );
}

/**
 * Where a rule holds an iptables extension, JSON has its name alone, and the text what nft's translation makes of it, which may be
 * nothing: the other statements are the same, in the same order.
 */
function agree(text: readonly Statement[], json: readonly Statement[]): boolean {
  const [first, ...rest] = json;
  if (!first) return text.length === 0;
  if (first.kind !== 'xt') return same(text[0], first) && agree(text.slice(1), rest);
  return text.some((_, i) => agree(text.slice(i), rest)) || agree([], rest);
}

function same(a: Statement | undefined, b: Statement): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

/** nft 1.0.6 leaves `dynamic` out of JSON's flags, `timeout` out of the text's where the set has one, and `typeof` out of JSON; a live element's remaining time moves. */
function comparable(set: NamedSet): unknown {
  const flags = set.flags.filter((flag) => flag !== 'dynamic' && flag !== 'timeout');
  const elements = set.elements.map((element) => ({ ...element, expires: undefined }));
  const key = set.typeof.length > 0 ? undefined : set.key;
  return {
    kind: set.kind,
    name: set.name,
    key,
    data: set.data,
    timeout: set.timeout,
    comment: set.comment,
    flags,
    elements,
  };
}

const squeezed = (text: string): string => text.replace(/\s+/g, ' ');
/** JSON's numbers are the rule's counters of another moment. */
const uncounted = (text: string): string => text.replace(/packets \d+ bytes \d+/g, 'packets N bytes N');

for (const pair of [...recordedPairs(), catalogue()])
  describe(`nft's two listings of ${pair.name}`, () => {
    const [text, json] = both(pair);

    it('are read without a problem, to their ends', () => {
      for (const ruleset of [text, json]) {
        assert.deepEqual(
          ruleset.problems.filter(({ message }) => !message.startsWith('The flag of table owned')),
          [],
        );
        assert.equal(ruleset.complete, true);
      }
      const statements = [...text.tables, ...json.tables]
        .flatMap((table) => table.chains)
        .flatMap((chain) => chain.rules)
        .flatMap((rule) => rule.statements);
      assert.deepEqual(
        statements.filter((statement) => JSON.stringify(statement).includes('"kind":"unknown"')),
        [],
      );
    });

    it('have the same tables, chains, sets and rules', () => {
      assert.deepEqual(
        text.tables.map(({ family, name, flags, chains, sets }) => [family, name, flags, chains.length, sets.length]),
        json.tables.map(({ family, name, flags, chains, sets }) => [family, name, flags, chains.length, sets.length]),
      );
      for (const [i, table] of text.tables.entries()) {
        const other = json.tables[i]!;
        for (const chain of table.chains) {
          const twin = other.chains.find(({ name }) => name === chain.name);
          assert.deepEqual({ ...chain.base, devices: [] }, { ...twin?.base, devices: [] }, chain.name);
          assert.equal(chain.rules.length, twin?.rules.length);
          chain.rules.forEach((rule, k) => ruleAgrees(rule, twin!.rules[k]!));
        }
        assert.deepEqual(
          table.sets.map((set) => ({ ...(comparable(set) as object) })),
          table.sets.map((set) => {
            const twin = other.sets.find(({ name }) => name === set.name)!;
            return { ...(comparable(twin) as object), ...(set.typeof.length > 0 ? { key: undefined } : {}) };
          }),
        );
      }
    });

    it('print the same text for a rule, and place it on its own characters', () => {
      for (const [ruleset, source] of [
        [text, pair.text],
        [json, pair.json],
      ] as const)
        for (const rule of ruleset.tables.flatMap((table) => table.chains).flatMap((chain) => chain.rules)) {
          const { start, end, line } = rule.place;
          const slice = source.slice(start, end);
          assert.equal(source.slice(0, start).split('\n').length, line);
          if (ruleset === text) assert.equal(slice, rule.text);
          else assert.ok(isRule(slice), slice);
        }
    });
  });

function isRule(slice: string): boolean {
  return 'rule' in (JSON.parse(slice) as object);
}

function ruleAgrees(text: Rule, json: Rule): void {
  assert.ok(agree(still(text.statements), still(json.statements)), `${text.text}\n${json.text}`);
  if (json.statements.some(({ kind }) => kind === 'xt')) return;
  assert.equal(uncounted(json.text), uncounted(squeezed(text.text)));
  assert.equal(json.comment, text.comment);
}
