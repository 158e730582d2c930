import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { jsonFault, lineOf, locate, wholeElements } from '../../src/kubernetes/snapshot/json.ts';

const json = fc.json({ maxDepth: 4 });
const indented = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value, undefined, 2));

/** A JSON text with one piece cut out, put in or changed. */
const damaged = fc
  .tuple(
    fc.oneof(json, indented),
    fc.nat(),
    fc.nat(4),
    fc.constantFrom('', '"', '\\', '{', ']', ',', ':', '\u0001', '1', '-', 'e', ' '),
  )
  .map(([text, at, length, piece]) => {
    const start = at % (text.length + 1);
    return text.slice(0, start) + piece + text.slice(start + length);
  });

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('JSON with places', () => {
  it('finds a fault exactly where JSON.parse does not accept the text', () => {
    fc.assert(
      fc.property(fc.oneof(json, indented, damaged), (text) => {
        const fault = jsonFault(text);
        assert.equal(fault === undefined, isJson(text), JSON.stringify(text));
        if (fault) assert.ok(fault.offset >= 0 && fault.offset <= text.length);
      }),
      { numRuns: 3000 },
    );
  });

  it('finds it no later than at the first character that no JSON could go on with', () => {
    fc.assert(
      fc.property(json, fc.nat(), (text, at) => {
        const cut = text.slice(0, at % text.length);
        const fault = jsonFault(`${cut}\u0001`);
        assert.ok(fault && fault.offset <= cut.length);
      }),
    );
  });

  it('finds every value again by its path', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value, undefined, 1);
        const visit = (inner: unknown, path: (string | number)[]): void => {
          const offset = locate(text, path);
          assert.ok(text.slice(offset).startsWith(JSON.stringify(inner)[0]!), `${path.join('.')} in ${text}`);
          if (Array.isArray(inner)) for (const [i, each] of inner.entries()) visit(each, [...path, i]);
          else if (typeof inner === 'object' && inner !== null)
            for (const [name, each] of Object.entries(inner)) visit(each, [...path, name]);
        };
        visit(value, []);
      }),
    );
  });

  it('keeps the whole elements of a list that is cut off', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))), fc.nat(), (items, at) => {
        const text = JSON.stringify({ kind: 'List', items });
        const kept = wholeElements(text.slice(0, at % (text.length + 1)), ['items']);
        assert.deepEqual(kept, JSON.parse(JSON.stringify(items.slice(0, kept.length))));
      }),
    );
    assert.deepEqual(wholeElements('{"items": [{"a": 1}, {"b": 2}, {"c": ', ['items']), [{ a: 1 }, { b: 2 }]);
    assert.deepEqual(wholeElements('[{"a": 1}, {"b": [2', []), [{ a: 1 }]);
  });

  it('does not take long over a string without an end, nor deep nesting', () => {
    const start = performance.now();
    assert.ok(jsonFault(`{"a": "${'x\\\\'.repeat(1_000_000)}`));
    assert.match(jsonFault('['.repeat(100_000))?.expected ?? '', /levels/);
    assert.ok(performance.now() - start < 2000);
  });

  it('counts lines and columns from one', () => {
    assert.deepEqual(lineOf('ab\ncd', 0), { line: 1, column: 1 });
    assert.deepEqual(lineOf('ab\ncd', 4), { line: 2, column: 2 });
    assert.deepEqual(lineOf('ab\n', 3), { line: 2, column: 1 });
  });
});
