import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [path.join(import.meta.dirname, 'long.ts'), ...args], { encoding: 'utf8' });

test('the long run makes as many changed dumps as it is told, by a seed, and says how many failed', () => {
  const { status, stdout } = run('64', 'seven');
  assert.match(stdout, /^seed seven: 64 changed dumps \(iptables, ipset, nft text, nft JSON\)$/m);
  assert.match(stdout, /^seed seven: 64 changed dumps in \d+ s, 0 failures$/m);
  assert.equal(status, 0);
});

test('the long run refuses what is no number of runs', () => {
  const { status, stderr } = run('many');
  assert.match(stderr, /"many" is no number of runs/);
  assert.equal(status, 2);
});
