/** docs/headless.md shows what the commands really answer. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const text = readFileSync(path.join(root, 'docs/headless.md'), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'service-traffic-doc-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function blocks(language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].filter(([, named]) => named === language).map(([, , t]) => t!);
}

function command(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'src/cli.ts'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
}

/** The first column of the tables under a heading: "`src`, `dst`" are two. */
function keysUnder(heading: string): readonly string[] {
  const section = text.split(`\n${heading}\n`)[1]!.split(/\n##/)[0]!;
  return [...section.matchAll(/^\| (`[^|]*?`) \|/gm)].flatMap(([, cell]) => cell!.replaceAll('`', '').split(', '));
}

const [rules] = blocks('iptables');
const [cases, answer, finding] = blocks('json');

test('the example of a trace is answered as it stands there', () => {
  writeFileSync(path.join(folder, 'rules.txt'), rules!);
  writeFileSync(path.join(folder, 'cases.json'), cases!);
  assert.deepEqual(
    JSON.parse(command('trace', '--dump', 'rules.txt', '--cases', 'cases.json')),
    JSON.parse(answer!) as unknown,
  );
});

test('every key that is listed for a case is taken without a word', () => {
  const keys = keysUnder('### Cases');
  assert.deepEqual(keys, [
    'interfaces',
    'addresses',
    'routes',
    'cases',
    'id',
    'in',
    'src',
    'dst',
    'proto',
    'dport',
    'sport',
    'state',
  ]);
  const [remarks] = /Any other key[^]*?\n\n/.exec(text)!;
  const free = [...remarks.matchAll(/`([a-z]{1,12})`/g)].map(([, key]) => key!);
  assert.ok(free.length > 5);
  const own = { in: 'eth0', src: '203.0.113.9', dst: '10.96.0.10', proto: 'tcp', dport: 80, sport: 5000, state: 'new' };
  const noted = Object.fromEntries(free.map((key) => [key, 'mine']));
  const file = { interfaces: ['eth0'], ...noted, cases: [{ id: 1, ...own, ...noted, _: 1, $schema: 1, 'x-y': 1 }] };
  writeFileSync(path.join(folder, 'rules.txt'), rules!);
  writeFileSync(path.join(folder, 'noted.json'), JSON.stringify(file));
  assert.match(command('trace', '--dump', 'rules.txt', '--cases', 'noted.json'), /"id":1/);
});

test('the finding that it shows is one of the sample’s, and findings have no keys but those listed', () => {
  const found = JSON.parse(command('diagnose', '--recording', path.join(root, 'samples/shop'))) as object[];
  const shown = JSON.parse(finding!) as { readonly code: string };
  assert.deepEqual(
    found.find((one) => 'code' in one && one.code === shown.code),
    shown,
  );
  const listed = new Set(keysUnder('## diagnose'));
  for (const one of found)
    assert.deepEqual(
      Object.keys(one).filter((key) => !listed.has(key)),
      [],
    );
});
