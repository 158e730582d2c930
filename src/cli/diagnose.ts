/** diagnose: prints the findings about a recorded cluster. */
import { parseArgs } from 'node:util';
import { nodeDrift } from '../diagnosis/drift.ts';
import { findingsOf } from '../diagnosis/findings.ts';
import { captureOf, type NodeView } from '../diagnosis/node-findings.ts';
import { nodeNetwork } from '../translation/network.ts';
import { openRecorded } from './recorded.ts';

export const usage = 'diagnose --recording DIR';

export const about = `Prints what is wrong in a recorded cluster, and what to do about it, as JSON: a list, trouble first.

  --recording DIR  a recorded cluster, a folder or a zip`;

/** A JSON array of findings, trouble first: code, severity, service, port, node, message, advice, evidence. */
export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({ args: [...args], options: { recording: { type: 'string' } } });
  const { recording } = values;
  if (recording === undefined) throw new Error(`Usage: ${usage}`);
  const source = await openRecorded(recording);
  try {
    const { objects } = source;
    const names = objects.nodes.map(({ metadata }) => metadata.name);
    await source.capture(names);
    const nodes = names.map((node): NodeView => {
      const rules = source.rules(node);
      const capture = captureOf(rules);
      const network = capture && nodeNetwork(node, objects, capture).network;
      const drift = capture && network && nodeDrift({ objects, capture, network });
      if (drift?.kind === 'unknown' && drift.reason === 'objects') process.stderr.write(`${drift.words}\n`);
      return { node, rules, drift };
    });
    const findings = findingsOf(objects, nodes).map(({ template, ...finding }) => {
      void template;
      return finding;
    });
    return `${JSON.stringify(findings, undefined, 1)}\n`;
  } finally {
    source.dispose();
  }
}
