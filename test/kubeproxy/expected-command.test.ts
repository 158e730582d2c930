import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { difference } from './iptables/compare.ts';

const root = path.resolve(import.meta.dirname, '../..');
const recording = (name: string) => path.join(root, 'test/recordings', name);

function expected(...args: readonly string[]): {
  readonly out: string;
  readonly error: string;
  readonly code: number | null;
} {
  const { stdout, stderr, status } = spawnSync(process.execPath, [path.join(root, 'src/cli.ts'), 'expected', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { out: stdout, error: stderr, code: status };
}

test('expected prints a family as iptables-save prints it, IPv4 where none is named', () => {
  const folder = recording('1.33-iptables-nft');
  const at = (file: string) => readFileSync(path.join(folder, 'nodes/node-2', file), 'utf8');
  const same = { missing: [], extra: [] };
  const { out, error, code } = expected('--recording', folder, '--node', 'node-2');
  assert.deepEqual([difference(out, at('iptables-save.txt')), error, code], [same, '', 0]);
  const six = expected('--recording', folder, '--node', 'node-2', '--family', '6').out;
  assert.deepEqual(difference(six, at('ip6tables-save.txt')), same);
});

test('expected prints what nft -j prints for a node in nftables mode, both families where none is named', () => {
  const families = (...more: readonly string[]) => {
    const { out } = expected('--recording', recording('1.37-nftables'), '--node', 'node-1', ...more);
    const { nftables } = JSON.parse(out) as { nftables: readonly Record<string, { family: string }>[] };
    return new Set(nftables.map((object) => Object.values(object)[0]!.family));
  };
  assert.deepEqual(families(), new Set(['ip', 'ip6']));
  assert.deepEqual(families('--family', '6'), new Set(['ip6']));
});

test('what cannot be answered is said on standard error, with exit code 2', () => {
  const nowhere = expected('--recording', '/nowhere', '--node', 'node-1');
  assert.deepEqual([nowhere.out, nowhere.code], ['', 2]);
  assert.match(nowhere.error, /There is no recording at \/nowhere/);
  const rulesAlone = mkdtempSync(path.join(os.tmpdir(), 'service-traffic-expected-'));
  cpSync(path.join(recording('1.37-iptables-nft'), 'nodes'), path.join(rulesAlone, 'nodes'), { recursive: true });
  const unseen = expected('--recording', rulesAlone, '--node', 'node-1');
  rmSync(rulesAlone, { recursive: true });
  assert.deepEqual([unseen.out, unseen.code], ['', 2]);
  assert.match(unseen.error, /no Services were read, and all that kube-proxy writes comes of Services/);
  const nobody = expected('--recording', recording('1.37-iptables-nft'), '--node', 'node-9');
  assert.match(nobody.error, /has no node node-9\. Its nodes are: node-1, node-2, node-3\./);
  assert.equal(nobody.code, 2);
  const family = expected('--recording', recording('1.37-iptables-nft'), '--node', 'node-1', '--family', '5');
  assert.match(family.error, /--family 5: expected 4 or 6/);
  assert.match(expected('--node', 'node-1').error, /Usage: expected --recording DIR --node NODE/);
  assert.equal(expected('--bogus').code, 2);
});
