/** All findings as the text of a document, trouble first, with links; plain data, for whatever shows documents. */
import type { Finding, RuleEvidence, Severity } from '../diagnosis/catalogue.ts';
import type { ClusterSource, Dump } from '../kubernetes/source.ts';
import { namesOf } from '../translation/alike.ts';
import { serviceNamed } from '../translation/directory.ts';
import { shortened } from '../translation/rule-lines.ts';
import { captureIn } from './capture-of.ts';
import type { RuleLocation } from './context.ts';
import { outlineOf, type Outline } from './rules-outline.ts';
import { count, t, told } from './words.ts';

/** A piece of a line that runs one of our commands. Lines and columns from 0; `end` is behind the last. */
export interface TextLink {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** Without "serviceTraffic.". */
  readonly command: string;
  readonly argument: unknown;
  readonly tooltip: string;
}

export interface FindingsText {
  readonly text: string;
  readonly links: readonly TextLink[];
}

/** Findings that are the same on several nodes. */
interface Group {
  readonly finding: Finding;
  readonly nodes: readonly string[];
}

/** More are in the matrix; the document says how many. */
const MAXIMUM_GROUPS = 1000;
/** More are in the comparison of expected and actual rules. */
const MAXIMUM_RULES = 6;
const INDENT = '       ';

export function findingsText(source: ClusterSource, findings: readonly Finding[]): FindingsText {
  const page = new Page(source);
  const names = source.objects.nodes.map(({ metadata }) => metadata.name);
  const read = names.filter((name) => captureIn(source.rules(name)) !== undefined).length;
  const groups = grouped(findings);
  const of = (severity: Severity): readonly Group[] => groups.filter(({ finding }) => finding.severity === severity);
  const parts = [
    count(of('error').length, '{0} error', '{0} errors'),
    count(of('warning').length, '{0} warning', '{0} warnings'),
    count(of('info').length, '{0} note', '{0} notes'),
    t('{0} of {1} nodes read', read, names.length),
  ];
  page.add(`${source.name}: ${parts.join(' · ')}`);
  if (read < names.length && source.kind === 'live') {
    page.add('');
    page.links([{ words: t('Read the rules of all nodes'), command: 'capture', argument: undefined }], '');
  }
  if (groups.length === 0) page.add('', t('Nothing is wrong, as far as was read.'));
  let left = MAXIMUM_GROUPS;
  for (const [severity, heading] of headings()) {
    const own = of(severity);
    if (own.length === 0) continue;
    page.add('', heading);
    for (const group of own.slice(0, left)) page.tell(group);
    if (own.length > left)
      page.add('', count(own.length - left, '{0} more is not listed.', '{0} more are not listed.'));
    left = Math.max(0, left - own.length);
  }
  return { text: `${page.lines.join('\n')}\n`, links: page.found };
}

function headings(): readonly (readonly [Severity, string])[] {
  return [
    ['error', t('Errors')],
    ['warning', t('Warnings')],
    ['info', t('Notes')],
  ];
}

/** In the order of the first of each. What a finding says besides its node makes it the same. */
function grouped(findings: readonly Finding[]): readonly Group[] {
  const groups = new Map<string, { finding: Finding; nodes: string[] }>();
  for (const finding of findings) {
    const { name, service, port, node, message, advice } = finding;
    const bare = (text: string): string => (node === undefined ? text : text.replaceAll(node, '\0'));
    const key = [name, service, port, bare(message), bare(advice)].join('\n');
    const group = groups.get(key);
    if (!group) groups.set(key, { finding, nodes: node === undefined ? [] : [node] });
    else if (node !== undefined) group.nodes.push(node);
  }
  return [...groups.values()];
}

interface Words {
  readonly words: string;
  readonly command: string;
  readonly argument: unknown;
}

class Page {
  readonly lines: string[] = [];
  readonly found: TextLink[] = [];
  readonly #source: ClusterSource;
  readonly #outlines = new Map<Dump, Outline>();

  constructor(source: ClusterSource) {
    this.#source = source;
  }

  add(...lines: readonly string[]): void {
    this.lines.push(...lines);
  }

  tell({ finding, nodes }: Group): void {
    const { code, service, port, node, template, evidence } = finding;
    const subject = [service === undefined ? '' : port ? `${service} ${port}` : service, namesOf(nodes)];
    this.add('', `${code}  ${subject.filter((part) => part !== '').join(' · ')}`.trimEnd());
    this.#head(service, nodes.length === 1 ? node : undefined);
    this.add(`${INDENT}${told(template.message, template.arguments)}`);
    if (nodes.length > 1) this.add(`${INDENT}${t('The same on {0}.', namesOf(nodes.slice(1), 5))}`);
    for (const consequence of evidence?.consequences.slice(1) ?? []) this.add(`${INDENT}· ${consequence}`);
    this.add(`${INDENT}→ ${told(template.advice, template.arguments)}`);
    for (const rule of evidence?.rules.slice(0, MAXIMUM_RULES) ?? []) this.#rule(rule, node);
    const more = (evidence?.rules.length ?? 0) - MAXIMUM_RULES;
    if (more > 0) this.add(`${INDENT}  ${count(more, '{0} more rule', '{0} more rules')}`);
    this.links(this.#actions(finding), INDENT);
  }

  /** The names in a finding's first line lead to the side bar. */
  #head(service: string | undefined, node: string | undefined): void {
    const line = this.lines.length - 1;
    const reveal = (name: string, argument: unknown): void => {
      const start = this.lines[line]!.lastIndexOf(name);
      const tooltip = t('Show {0} in the side bar', name);
      this.found.push({ line, start, end: start + name.length, command: 'revealInTree', argument, tooltip });
    };
    if (service !== undefined && this.#knows(service)) reveal(service, { service });
    if (node !== undefined) reveal(node, { node });
  }

  #actions({ name, service, node, evidence }: Finding): readonly Words[] {
    const known = service !== undefined && this.#knows(service);
    const about = { ...(service !== undefined && { service }), ...(node !== undefined && { node }) };
    const capturable = this.#source.kind === 'live' && node !== undefined && isAboutReading(name);
    return [
      ...(known ? [{ words: t('Diagram'), command: 'showDiagram', argument: about }] : []),
      ...(node !== undefined && evidence
        ? [{ words: t('Expected and actual rules'), command: 'compareRules', argument: about }]
        : []),
      ...(known ? [{ words: 'YAML', command: 'openYaml', argument: { service } }] : []),
      ...(capturable ? [{ words: t('Read its rules'), command: 'captureNode', argument: { node } }] : []),
    ];
  }

  /** A line of links, side by side. */
  links(all: readonly Words[], indent: string): void {
    if (all.length === 0) return;
    const line = this.lines.length;
    let text = indent;
    for (const { words, command, argument } of all) {
      if (text !== indent) text += ' · ';
      this.found.push({ line, start: text.length, end: text.length + words.length, command, argument, tooltip: words });
      text += words;
    }
    this.add(text);
  }

  #rule(rule: RuleEvidence, node: string | undefined): void {
    const { kind, table, chain } = rule;
    const sign = kind === 'missing' ? '+' : kind === 'extra' ? '-' : '~';
    const text = shortened(rule.rule);
    // An iptables rule names its chain itself.
    const [name, rest] = text.startsWith('-A ')
      ? [`${table}: -A ${chain}`, text.slice(`-A ${chain}`.length)]
      : [`${table} ${chain}`, `: ${text}`];
    const start = `${INDENT}${sign} `;
    const line = this.lines.length;
    this.add(`${start}${name}${rest}`);
    const place = node === undefined ? undefined : this.#placeOf(rule, node);
    if (!place) return;
    const tooltip =
      rule.line === undefined
        ? t('Open its chain in {0} of {1}', place.dump, place.node)
        : t('Open the rule in {0} of {1}', place.dump, place.node);
    const end = start.length + name.length;
    this.found.push({ line, start: start.length, end, command: 'openRuleAt', argument: place, tooltip });
  }

  /** The rule's own line; that of its chain, where the node lacks the rule. */
  #placeOf({ dump: name, line, table, chain }: RuleEvidence, node: string): RuleLocation | undefined {
    const dump = captureIn(this.#source.rules(node))?.dumps.find((each) => each.name === name);
    if (!dump) return undefined;
    if (line !== undefined) return { node, dump: dump.name, line };
    let outline = this.#outlines.get(dump);
    if (!outline) this.#outlines.set(dump, (outline = outlineOf(dump.text.split(/\r?\n/))));
    const own = outline.find((each) => each.name === table)?.blocks.get(chain);
    return own && { node, dump: dump.name, line: own.declared + 1 };
  }

  #knows(service: string): boolean {
    return serviceNamed(this.#source.objects, service) !== undefined;
  }
}

function isAboutReading(name: Finding['name']): boolean {
  return ['not-captured', 'capture-failed', 'truncated', 'pending', 'unreadable', 'not-comparable'].includes(name);
}
