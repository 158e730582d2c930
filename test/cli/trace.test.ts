import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(os.tmpdir(), 'service-traffic-trace-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, text: string): string {
  const to = path.join(folder, name);
  writeFileSync(to, text);
  return to;
}

function command(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'src/cli.ts'), 'trace', ...args], {
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  return { status, stdout, stderr };
}

const NETWORK = {
  interfaces: ['eth0', 'cni0'],
  addresses: [
    ['172.18.0.2/16', 'eth0'],
    ['10.244.0.254/24', 'cni0'],
  ],
  routes: [
    ['default', 'eth0'],
    ['default', 'eth0', 6],
  ],
};
const CASES = file(
  'cases.json',
  JSON.stringify({
    ...NETWORK,
    cases: [
      { id: 'dns', in: 'eth0', src: '203.0.113.9', dst: '10.96.153.66', proto: 'udp', dport: 53 },
      { id: 'ping', in: 'local', src: '172.18.0.2', dst: '10.96.153.66', proto: 'icmp' },
    ],
  }),
);

test('a recorded node answers every case, in the order of the cases, and nothing else is printed', () => {
  for (const recording of ['1.37-iptables-legacy', '1.37-nftables']) {
    const { status, stdout, stderr } = command(
      '--recording',
      path.join(root, 'test/recordings', recording),
      '--node',
      'node-1',
      '--cases',
      CASES,
    );
    assert.equal(status, 0, stderr);
    const [dns, ping] = JSON.parse(stdout) as {
      id: string;
      outcomes: {
        destination: string;
        probability: number;
        path: { table: string; chain: string; line: number; rule: string }[];
      }[];
    }[];
    assert.deepEqual([dns!.id, ping!.id], ['dns', 'ping']);
    assert.deepEqual(dns!.outcomes.map(({ destination }) => destination).sort(), [
      '10.244.0.1:8080',
      '10.244.1.1:8080',
      '10.244.3.1:8080',
    ]);
    assert.ok(Math.abs(dns!.outcomes.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-9);
    for (const { path: steps } of dns!.outcomes)
      for (const { table, chain, line, rule } of steps) assert.ok(table && chain && line > 0 && rule);
    assert.equal(ping!.outcomes[0]!.destination, '10.96.153.66');
  }
});

test('bare dumps answer as well, and the second family has a dump of its own', () => {
  const six = file(
    'six.txt',
    '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d fd00::a/128 -p tcp -j DNAT --to-destination [fd00:1::5]:8080\nCOMMIT\n',
  );
  const cases = file(
    'six.json',
    JSON.stringify({
      ...NETWORK,
      cases: [{ id: 1, in: 'eth0', src: '2001:db8::9', dst: 'fd00::a', proto: 'tcp', dport: 80 }],
    }),
  );
  const { stdout } = command('--dump6', six, '--cases', cases);
  assert.deepEqual(JSON.parse(stdout), [
    {
      id: 1,
      outcomes: [
        {
          verdict: 'accept',
          destination: '[fd00:1::5]:8080',
          masquerade: false,
          probability: 1,
          assumptions: [],
          path: [
            {
              table: 'nat',
              chain: 'PREROUTING',
              line: 3,
              rule: '-A PREROUTING -d fd00::a/128 -p tcp -j DNAT --to-destination [fd00:1::5]:8080',
            },
          ],
        },
      ],
    },
  ]);
});

test('what is wrong is told with file, line and what was expected, and the exit code is 2', () => {
  const wrong = file(
    'wrong.json',
    '{"cases": [\n  {"id": 1, "in": "eth0", "src": "10.0.0", "dst": "10.0.0.1", "proto": "tcp", "dport": 80}]}',
  );
  const cut = file('cut.json', '{"cases": [\n  {"id": 1,\n');
  const list = file('list.json', '[]');
  for (const [args, said] of [
    [['--dump', CASES, '--cases', CASES], /cases\.json, line 1: expected a table such as "\*nat"/],
    [['--dump', wrong, '--cases', wrong], /wrong\.json, line 2: cases\.0\.src: expected an IP address in quotes/],
    [['--dump', wrong, '--cases', list], /list\.json, line 1: expected an object/],
    [['--dump', wrong, '--cases', cut], /cut\.json, line 3: expected /],
    [['--dump', path.join(folder, 'none'), '--cases', CASES], /none: a file that can be read was expected/],
    [['--cases', CASES], /^Usage: /],
    [['--case', CASES], /^Unknown option '--case'[^]*\nUsage: trace /],
    [['--cases'], /--cases[^]*\nUsage: trace /],
    [['--recording', folder, '--node', 'node-1', '--cases', CASES], /./],
  ] as const) {
    const { status, stdout, stderr } = command(...args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, said);
  }
});

test('a misspelt key or an unknown interface in a file of cases is told at its line, a wrong family is an error there', () => {
  const one = { in: 'eth0', src: '203.0.113.9', dst: '10.96.153.66', proto: 'udp', dport: 53 };
  const told = (expected: number, change: object, more: object = {}) => {
    const cases = file(
      'told.json',
      JSON.stringify({ ...NETWORK, ...more, cases: [one, { ...one, ...change }] }, undefined, 1),
    );
    const { status, stdout, stderr } = command(
      '--dump',
      file('nat.txt', '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n'),
      '--cases',
      cases,
    );
    assert.deepEqual([status, stdout === ''], [expected, expected === 2], stderr);
    return stderr;
  };
  assert.match(
    told(0, { sprot: 1 }),
    /told\.json, line 4\d: cases\.1\.sprot: expected one of the keys "id", "in", "src", /,
  );
  assert.match(
    told(0, {}, { adresses: [] }),
    /told\.json, line \d+: adresses: expected one of the keys "interfaces", /,
  );
  assert.match(
    told(0, { in: 'eth1' }),
    /cases\.1\.in: expected "local" or one of the interfaces "eth0", "cni0"; followed as if there were this one/,
  );
  assert.match(told(2, {}, { routes: [['default', 'eth0', '6']] }), /routes\.0\.2: expected 4 or 6/);
});

test('a file without any rules in it is an error, whatever its first letters are', () => {
  const rules = file('rules.txt', '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n');
  const bytes = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * i * 31 + i * 7) % 251));
  const noise = bytes.toString('latin1');
  for (const [option, text, said] of [
    ['--dump', `*\n${noise}`, /expected a table such as "\*nat", as iptables-save prints it/],
    ['--dump', `*nat\n${noise}`, /expected a table such as "\*nat", as iptables-save prints it/],
    ['--dump', `*mine\n:A - [0:0]\n${noise}`, /expected a table such as "\*nat"/],
    ['--dump6', `${noise}\n*x`, /expected a table such as "\*nat"/],
    ['--nft', `*\n${noise}`, /expected the output of `nft list ruleset` or `nft -j list ruleset`/],
    ['--nft', `{"metainfo": ${noise}`, /expected the output of `nft list ruleset`/],
    ['--dump', `${'\n'.repeat(200)}x`, /expected a table such as "\*nat"/],
    ['--ipset', noise, /expected "create NAME TYPE …", as ipset save prints it/],
  ] as const) {
    const more = option === '--dump' ? [] : ['--dump', rules];
    const { status, stdout, stderr } = command(...more, option, file('noise', text), '--cases', CASES);
    assert.deepEqual([status, stdout], [2, ''], `${option} ${text.slice(0, 12)}`);
    assert.match(stderr, said);
    assert.match(stderr, /noise, line \d+: /);
  }
  const sets = command('--ipset', file('sets.txt', 'create A hash:ip family inet\n'), '--cases', CASES);
  assert.deepEqual([sets.status, sets.stdout], [2, '']);
});

test('a key too much in each of ten thousand cases is told of the first twenty, and does not take minutes', () => {
  const one = { in: 'eth0', src: '203.0.113.9', dst: '10.96.153.66', proto: 'udp', dport: 53, ttl: 64 };
  const cases = file('many.json', JSON.stringify({ ...NETWORK, cases: Array.from({ length: 10_000 }, () => one) }));
  const start = performance.now();
  const { status, stderr } = command(
    '--dump',
    file('none.txt', '*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n'),
    '--cases',
    cases,
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr.match(/\.ttl: expected/g)?.length, 20);
  assert.match(stderr, /^and 9980 more$/m);
  assert.ok(performance.now() - start < 20_000);
});

test('of many complaints the first twenty are told, without what a terminal would take for a command', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `line \u001b[2J ${i}`).join('\n');
  const rules = file('many.txt', `*nat\n:PREROUTING ACCEPT [0:0]\n${lines}\nCOMMIT\n`);
  const { status, stderr } = command('--dump', rules, '--cases', CASES);
  assert.equal(status, 0);
  const told = stderr.trim().split('\n');
  assert.equal(told.length, 21);
  assert.equal(told.at(-1), 'and 30 more');
  assert.ok(!stderr.includes('\u001b'));
});

test('every command explains itself on standard output', () => {
  for (const [args, said] of [
    [['trace', '--help'], /^Usage: trace --recording DIR --node NODE --cases FILE\n[^]* --dump6 FILE /],
    [['expected', '-h'], /^Usage: expected [^]*--family 4\|6/],
    [['diagnose', '--recording', 'x', '--help'], /^Usage: diagnose --recording DIR\n/],
    [['--help'], /^Usage: diagnose [^]* expected [^]* trace /],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'src/cli.ts'), ...args], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr], [0, ''], args.join(' '));
    assert.match(stdout, said);
  }
});

test('a dump that is cut off is answered for as far as it goes, and the cut is told', () => {
  const cut = file(
    'cut.txt',
    '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p udp -j DNAT --to-destination 10.244.0.1:53\n',
  );
  const { status, stdout, stderr } = command('--dump', cut, '--cases', CASES);
  assert.equal(status, 0);
  assert.match(stdout, /10\.244\.0\.1:53/);
  assert.match(stderr, /cut\.txt, line 1: The table nat .* is cut off\./);
});

test('an empty dump is answered for as no rules, and told', () => {
  const { status, stdout, stderr } = command('--dump', file('empty.txt', ''), '--cases', CASES);
  assert.equal(status, 0);
  assert.match(stdout, /"destination":"10\.96\.153\.66:53"/);
  assert.match(stderr, /empty\.txt, line 1: the file is empty/);
});
