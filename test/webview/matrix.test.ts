import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { matrixWords } from '../../src/views/matrix/page-words.ts';
import { readToMatrixPage, readToMatrixPanel } from '../../src/views/matrix/protocol.ts';
import { CELL, inSight, margins, moved, ROW } from '../../src/webview/matrix/grid.ts';

const matrix = {
  services: ['a/one', 'a/two', 'b/three'],
  rows: [
    { nodes: ['node-1'], cells: 'xoo', drifted: 1, pending: 0, common: false },
    { nodes: ['node-2', 'node-3'], cells: 'ooo', drifted: 0, pending: 0, common: false },
  ],
};

test('every sentence of the matrix page is among the words that the panel translates, and no other', () => {
  const folder = path.resolve(import.meta.dirname, '../../src/webview/matrix');
  const said = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts')))
    for (const match of readFileSync(path.join(folder, file), 'utf8').matchAll(/\bsay\(\s*'((?:[^'\\]|\\.)*)'/g))
      said.add(match[1]!);
  assert.deepEqual(Object.keys(matrixWords()).sort(), [...said].sort());
});

test('messages of the matrix are checked on both sides', () => {
  assert.ok(readToMatrixPage({ type: 'matrix', cluster: 'c', matrix, waiting: 0 }));
  const told = { type: 'told', node: 'n', service: 's', sentences: [] };
  assert.ok(readToMatrixPage({ ...told, timeline: [{ time: '17:03:12', words: 'read', mark: 'good' }] }));
  assert.equal(readToMatrixPage({ ...told, timeline: [{ time: 17 }] }), undefined);
  assert.equal(
    readToMatrixPage({ type: 'matrix', cluster: 'c', matrix: { services: [1], rows: [] }, waiting: 0 }),
    undefined,
  );
  assert.equal(readToMatrixPage({ type: 'words' }), undefined);
  assert.ok(readToMatrixPanel({ type: 'compare', node: 'n' }));
  assert.equal(readToMatrixPanel({ type: 'compare' }), undefined);
  assert.equal(readToMatrixPanel({ type: 'tell', node: 'n' }), undefined);
  assert.equal(readToMatrixPanel('ready'), undefined);
});

test('keys move within the matrix and stop at its edges', () => {
  const at = { row: 0, column: 1 };
  assert.deepEqual(moved('ArrowRight', at, matrix, 10), { row: 0, column: 2 });
  assert.deepEqual(moved('ArrowUp', at, matrix, 10), at);
  assert.deepEqual(moved('PageDown', at, matrix, 10), { row: 1, column: 1 });
  assert.deepEqual(moved('End', at, matrix, 10), { row: 0, column: 2 });
  assert.equal(moved('x', at, matrix, 10), undefined);
});

test('what is in sight is what the stretch touches, with a little more', () => {
  assert.deepEqual(inSight(0, 220, 22, 5000), [0, 12]);
  assert.deepEqual(inSight(22 * 100, 220, 22, 5000), [98, 112]);
  assert.deepEqual(inSight(22 * 4990, 220, 22, 5000), [4988, 4999]);
});

test('names leave room for cells, however small the page', () => {
  assert.deepEqual(margins({ width: 1000, height: 600 }), { head: 150, names: 240 });
  for (const [width, height] of [
    [245, 270],
    [350, 150],
  ] as const) {
    const { head, names } = margins({ width, height });
    assert.ok(width - names >= 5 * CELL && height - head >= 3 * ROW, `${width} × ${height}: ${names} × ${head}`);
  }
});
