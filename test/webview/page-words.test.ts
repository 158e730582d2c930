import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { twinOf } from '../../src/translation/twin.ts';
import { pageWords } from '../../src/views/diagram/page-words.ts';

test('every sentence that the page says is among the words that the panel translates, and no other', () => {
  const folder = path.resolve(import.meta.dirname, '../../src/webview');
  const said = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts')))
    for (const match of readFileSync(path.join(folder, file), 'utf8').matchAll(/\bsay\(\s*'((?:[^'\\]|\\.)*)'/g))
      said.add(match[1]!);
  const body = { kind: 'nothing', why: '' } as const;
  const picture = {
    service: '',
    address: '',
    selection: { service: '', port: '', way: '', client: 'pod', node: '', settled: {} },
    nodes: [],
    clients: [],
    ways: [],
    about: '',
  } as const;
  const card = { title: '' };
  const node = {
    client: card,
    service: card,
    rules: card,
    node: '',
    streams: [],
    ends: [],
    ruleLines: [],
    assumptions: [],
  };
  for (const shown of [body, { kind: 'nodes', rows: [] } as const, { kind: 'node', ...node } as const])
    for (const head of twinOf({ ...picture, body: shown }).head) said.add(head);
  assert.deepEqual(Object.keys(pageWords()).sort(), [...said].sort());
});
