import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** One rule set of kube-proxy's own tests, with the packets that they send through it and what they expect. */
export interface FlowSet {
  readonly test: string;
  /** Addresses that count as the node's own. */
  readonly nodeIPs: readonly string[];
  /** iptables-save's form, or the commands of nft. */
  readonly rules: string;
  readonly flows: readonly Flow[] | null;
}

export interface Flow {
  readonly Name: string;
  readonly Source: string;
  /** Empty: tcp. */
  readonly Protocol: string;
  readonly Destination: string;
  readonly Port: number;
  /** "10.0.0.1:80, 10.0.0.2:80", "DROP", "REJECT", "ACCEPT"; empty: it keeps its destination. */
  readonly Output: string;
  readonly Masq: boolean;
}

const RIG = path.resolve(import.meta.dirname, '../cluster/rig/kube');

/** Where the function stands that runs a table of packets, and how it gets at the rules' text. */
const SOURCES = {
  iptables: {
    file: 'proxier_test.go',
    imports: ['bytes', 'encoding/json', 'os', 'strings'],
    rules: `buffer := &bytes.Buffer{}
	if err := ipt.SaveInto("", buffer); err != nil {
		t.Fatal(err)
	}
	rules := buffer.String()`,
  },
  nftables: { file: 'helpers_test.go', imports: ['encoding/json', 'os', 'strings'], rules: 'rules := nft.Dump()' },
} as const;

export type Mode = keyof typeof SOURCES;

/**
 * The packet flow tests of the kube-proxy that the test cluster is built from: its own tests are run from Go's module cache, with the function that
 * checks a table of packets replaced by one that writes rules and table down. Nothing of theirs is kept.
 */
export function flowSets(): Readonly<Record<Mode, FlowSet[]>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'service-traffic-flows-'));
  try {
    for (const name of ['go.mod', 'go.sum']) cpSync(path.join(RIG, name), path.join(folder, name));
    const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(path.join(folder, 'go.mod'), 'utf8'))![1]!;
    const go = (args: readonly string[], flows = ''): string =>
      execFileSync('go', args, {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, FLOWS: flows },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    const { Dir } = JSON.parse(go(['mod', 'download', '-json', `k8s.io/kubernetes@${version}`])) as { Dir: string };
    const copy = path.join(folder, 'kubernetes');
    mkdirSync(copy);
    const needed = ['go.mod', 'pkg', 'third_party'].map((name) => path.join(Dir, name));
    execFileSync('cp', ['-r', '--no-preserve=mode', ...needed, copy]);
    go(['mod', 'edit', `-replace=k8s.io/kubernetes=${copy}`]);
    const run = (mode: Mode): FlowSet[] => {
      const { file, imports, rules } = SOURCES[mode];
      const source = path.join(copy, 'pkg/proxy', mode, file);
      writeFileSync(source, recording(readFileSync(source, 'utf8'), imports, rules));
      const flows = path.join(folder, `${mode}.jsonl`);
      go(['test', '-mod=mod', `k8s.io/kubernetes/pkg/proxy/${mode}`], flows);
      const lines = readFileSync(flows, 'utf8').trim().split('\n');
      return lines.map((line) => JSON.parse(line) as FlowSet);
    };
    return { iptables: run('iptables'), nftables: run('nftables') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function recording(source: string, imports: readonly string[], rules: string): string {
  const found = /^func runPacketFlowTests\(.*\) \{\n[\s\S]*?^\}\n/m.exec(source)?.[0];
  if (!found) throw new Error('kube-proxy’s tests have no function runPacketFlowTests any more');
  const body = `${found.slice(0, found.indexOf('\n'))}
	${rules}
	type flow struct {
		Name, Source, Protocol, Destination, Output string
		Port                                        int
		Masq                                        bool
	}
	flows := []flow{}
	for _, tc := range testCases {
		flows = append(flows, flow{tc.name, tc.sourceIP, strings.ToLower(string(tc.protocol)), tc.destIP, tc.output, tc.destPort, tc.masq})
	}
	text, err := json.Marshal(map[string]any{"test": t.Name(), "line": line, "nodeIPs": nodeIPs, "rules": rules, "flows": flows})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(os.Getenv("FLOWS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(append(text, '\\n')); err != nil {
		t.Fatal(err)
	}
}
`;
  const missing = imports.filter((name) => !source.includes(`\n\t"${name}"\n`)).map((name) => `\t"${name}"\n`);
  return source.replace(found, () => body).replace('import (\n', () => `import (\n${missing.join('')}`);
}
