import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardTowards } from '../../src/webview/keyboard.ts';

const cards = [
  { id: 'client', x: 20, y: 150 },
  { id: 'rules', x: 500, y: 150 },
  { id: 'a', x: 880, y: 40 },
  { id: 'b', x: 880, y: 120 },
  { id: 'c', x: 880, y: 200 },
];
const from = (id: string) => cards.find((card) => card.id === id)!;

test('arrow keys go to the card that stands there', () => {
  assert.equal(cardTowards('ArrowRight', from('client'), cards), 'rules');
  assert.equal(cardTowards('ArrowRight', from('rules'), cards), 'b');
  assert.equal(cardTowards('ArrowDown', from('b'), cards), 'c');
  assert.equal(cardTowards('ArrowUp', from('b'), cards), 'a');
  assert.equal(cardTowards('ArrowLeft', from('c'), cards), 'rules');
});

test('where nothing stands, the focus stays', () => {
  assert.equal(cardTowards('ArrowUp', from('a'), cards), undefined);
  assert.equal(cardTowards('ArrowLeft', from('client'), cards), undefined);
  assert.equal(cardTowards('Tab', from('a'), cards), undefined);
});

test('Home and End go to the first and the last', () => {
  assert.equal(cardTowards('Home', from('c'), cards), 'client');
  assert.equal(cardTowards('End', from('client'), cards), 'c');
});
