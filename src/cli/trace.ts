/** trace: follows packets through a node's recorded rules, or through bare dumps. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openRecording } from '../kubernetes/snapshot/open.ts';
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Outcome, Step } from '../netfilter/outcome.ts';
import { programOf, type DumpText } from '../netfilter/program-of.ts';
import { trace } from '../netfilter/trace.ts';
import { readCases } from './cases.ts';
import { checkRead, complain } from './check-read.ts';

export const usage = `trace --recording DIR --node NODE --cases FILE
       trace [--dump FILE] [--dump6 FILE] [--nft FILE] [--ipset FILE] --cases FILE`;

export const about = `Follows packets through the rules of a recorded node, or through bare dumps, and prints every outcome of each as JSON: a
list, in the order of the cases.

  --recording DIR  a recorded cluster, a folder or a zip
  --node NODE      one of its nodes
  --dump FILE      what iptables-save prints
  --dump6 FILE     what ip6tables-save prints
  --nft FILE       what nft -j list ruleset or nft list ruleset prints
  --ipset FILE     what ipset save prints, for the sets that a dump's rules name
  --cases FILE     the node's network and the packets, as JSON`;

/** JSON: an array in the order of the cases, each with its id and its outcomes. */
export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      recording: { type: 'string' },
      node: { type: 'string' },
      cases: { type: 'string' },
      dump: { type: 'string' },
      dump6: { type: 'string' },
      nft: { type: 'string' },
      ipset: { type: 'string' },
    },
  });
  const { recording, node, cases: file } = values;
  // Sets without rules answer nothing.
  const bare = values.dump ?? values.dump6 ?? values.nft;
  if (
    file === undefined ||
    (recording === undefined) !== (node === undefined) ||
    (recording === undefined) === (bare === undefined)
  )
    throw new Error(`Usage: ${usage}`);
  const { network, cases, remarks } = readCases(await readText(file), file);
  complain(remarks);
  const dumps =
    recording !== undefined && node !== undefined ? await recordedDumps(recording, node) : await bareDumps(values);
  const program = programOf(dumps);
  const told = (name: string): string =>
    recording === undefined ? fileOf(values, name) : `${recording}/nodes/${node}/${name}`;
  // Where somebody redirected a command that failed, say. In a recording a backend without rules prints nothing.
  if (recording === undefined)
    for (const { name, text } of dumps)
      if (text.trim() === '')
        process.stderr.write(`${told(name)}, line 1: the file is empty: answered as for a node without such rules\n`);
  checkRead(program, dumps, told);
  const answers = cases.map(({ id, packet }) => ({ id, outcomes: trace(program, network, packet).map(outcomeJson) }));
  return `[\n${answers.map((answer) => JSON.stringify(answer)).join(',\n')}\n]\n`;
}

function fileOf({ dump, dump6, nft, ipset }: Bare, name: string): string {
  if (name.startsWith('nft')) return nft ?? name;
  if (name.startsWith('ipset')) return ipset ?? name;
  return (name.startsWith('ip6') ? dump6 : dump) ?? name;
}

function outcomeJson(outcome: Outcome): object {
  const { verdict, rejectWith, destination, destinationPort, masquerade, source, probability, assumptions, path } =
    outcome;
  return {
    verdict,
    ...(rejectWith === undefined ? {} : { rejectWith }),
    destination: formatEndpoint(destination, destinationPort),
    masquerade,
    ...(source ? { source: formatAddress(source) } : {}),
    probability,
    assumptions: assumptions.map(({ words, holds }) => ({ words, holds })),
    path: path.map(stepJson),
  };
}

function stepJson({ table, chain, place, rule }: Step): object {
  return { table, chain, ...(place ? { line: place.line } : {}), rule };
}

async function recordedDumps(recording: string, node: string): Promise<readonly DumpText[]> {
  const source = await openRecording(recording);
  try {
    if (source.state.kind === 'failed')
      throw new Error(`${source.state.problem.message}. ${source.state.problem.advice}`);
    await source.capture([node]);
    const rules = source.rules(node);
    if (rules.kind === 'captured') return rules.capture.dumps;
    if (rules.kind === 'failed') {
      if (rules.earlier) return rules.earlier.dumps;
      throw new Error(`${rules.problem.message}. ${rules.problem.advice}`);
    }
    const names = source.objects.nodes.map(({ metadata }) => metadata.name);
    throw new Error(`${recording} holds no rules of a node ${node}. Its nodes are: ${names.join(', ') || 'none'}.`);
  } finally {
    source.dispose();
  }
}

type Bare = Readonly<Partial<Record<'dump' | 'dump6' | 'nft' | 'ipset', string>>>;

async function bareDumps({ dump, dump6, nft, ipset }: Bare): Promise<readonly DumpText[]> {
  const dumps: DumpText[] = [];
  if (dump !== undefined) dumps.push({ name: 'iptables-save.txt', text: await readText(dump) });
  if (dump6 !== undefined) dumps.push({ name: 'ip6tables-save.txt', text: await readText(dump6) });
  if (nft !== undefined) {
    const text = await readText(nft);
    dumps.push({ name: /^\s*\{/.test(text) ? 'nft.json' : 'nft.txt', text });
  }
  if (ipset !== undefined) dumps.push({ name: 'ipset-save.txt', text: await readText(ipset) });
  return dumps;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(
      `${file}: a file that can be read was expected (${error instanceof Error ? error.message : String(error)})`,
      {
        cause: error,
      },
    );
  }
}
