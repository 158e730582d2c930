/** How a packet's way ends, as the last lines of its document: each outcome with its share, whom it reaches, and why it does not. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Outcome, PacketCase } from '../netfilter/outcome.ts';
import { podsAt, servicesAt } from './directory.ts';
import { assumptionWords } from './node-picture.ts';
import { percent } from '../diagnosis/shares.ts';
import { standing } from '../diagnosis/words.ts';
import { wrapped } from './sheet.ts';
import type { Sheet } from './sheet.ts';
import type { TracedNode } from './traced-node.ts';

export interface Ended {
  readonly objects: ClusterObjects;
  readonly node: TracedNode & { readonly kind: 'read' };
  readonly packet: PacketCase;
  readonly outcomes: readonly Outcome[];
  /** Where a Service was addressed: why nothing arrives, and what is not as the API means it. */
  readonly said?: (outcome: Outcome) => { readonly why?: string; readonly wrong?: string } | undefined;
}

/** Columns that an editor shows beside the side bar. */
const WIDTH = 110;
const INDENT = 12;

export function outcomeLines(page: Sheet, told: Ended): void {
  page.line('Outcomes');
  const names = told.outcomes.map((outcome) => nameOf(told, outcome));
  const width = Math.min(48, Math.max(0, ...names.map((name) => name.length)));
  for (const [i, outcome] of told.outcomes.entries()) {
    const ifs = outcome.assumptions.map(assumptionWords);
    const why = told.said?.(outcome)?.why ?? '';
    const more = [
      outcome.verdict === 'accept' && outcome.translated ? sourceWords(outcome) : '',
      staleNote(told, outcome).replace(/^ +/, ''),
      why,
      ...ifs,
    ].filter((part) => part);
    const start = `  ${percent(outcome.probability).padStart(8)}  ${names[i]!.padEnd(width)}  `;
    const whole = start + more.join(', ');
    if (why === '' || whole.length <= WIDTH) page.line(whole.trimEnd());
    else {
      // A reason that nobody reads to its end without scrolling stands below, sentence by sentence.
      page.line((start + more.filter((part) => part !== why).join(', ')).trimEnd());
      for (const sentence of `${standing(why)}.`.split(/(?<=\.) /))
        for (const line of wrapped(sentence, WIDTH - INDENT)) page.line(' '.repeat(INDENT) + line);
    }
  }
  const sources = new Set(
    told.outcomes
      .filter((o) => o.verdict === 'accept' && o.translated)
      .map((o) =>
        o.masquerade ? (o.source ? formatAddress(o.source) : 'this node') : formatAddress(told.packet.source),
      ),
  );
  if (sources.size > 0) page.line(`The pod sees a connection from ${[...sources].join(' or ')}.`);
}

function sourceWords(outcome: Outcome): string {
  if (!outcome.masquerade) return 'source kept';
  return outcome.source ? `source becomes ${formatAddress(outcome.source)}` : "source becomes the node's";
}

function nameOf(told: Ended, outcome: Outcome): string {
  if (outcome.verdict === 'reject') return `REJECT ${outcome.rejectWith ?? ''}`.trim();
  if (outcome.verdict === 'drop') return 'DROP';
  const to = destinationOf(outcome);
  const address = formatAddress(outcome.destination);
  const [pod] = podsAt(told.objects, address);
  if (pod && !pod.spec?.hostNetwork) return `${to}  ${pod.metadata.name}`;
  if (outcome.translated) return to;
  return servicesAt(told.objects, address).length > 0 ? `${to}  not translated` : to;
}

export function destinationOf(outcome: Outcome): string {
  return formatEndpoint(outcome.destination, outcome.destinationPort);
}

/** Of what is to be where nobody is: "  stale: no endpoint of shop/front". */
export function staleNote({ said }: Ended, outcome: Outcome): string {
  const wrong = said?.(outcome)?.wrong;
  return wrong ? `  stale: ${wrong}` : '';
}
