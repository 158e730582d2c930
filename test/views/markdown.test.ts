import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bold, code, commandLink, escape } from '../../src/views/markdown.ts';

test('A name never becomes markup, a link, an icon or HTML', () => {
  assert.equal(escape('[x](command:rm)'), '\\[x\\]\\(command\\:rm\\)');
  assert.equal(escape('<img src=x> & $(bug)'), '&lt;img src=x\\> &amp; \\$\\(bug\\)');
  assert.equal(escape('two\nlines'), 'two lines');
  assert.equal(bold('a*b'), '**a\\*b**');
});

test('A code span holds backticks by a longer fence', () => {
  assert.equal(code('10.96.0.1'), '`10.96.0.1`');
  assert.equal(code('a`b'), '``a`b``');
  assert.equal(code('`'), '`` ` ``');
});

test('A command link carries its arguments, parentheses too', () => {
  assert.equal(commandLink('Go', 'x.y', 'a (b)'), '[Go](command:x.y?%5B%22a%20%28b%29%22%5D)');
  assert.equal(commandLink('Go', 'x.y'), '[Go](command:x.y)');
});
