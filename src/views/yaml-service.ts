/**
 * Finds the Service that a place in a YAML file belongs to, with the ranges of what one would point at. Reads half-written files,
 * several documents, anchors, Lists, and Helm templates as far as they are YAML: only the document around the place is parsed.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node, ParsedNode, YAMLMap } from 'yaml';
import type { Protocol, Service, ServicePort } from '../kubernetes/objects.ts';

/** Offsets in the file's text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface YamlService {
  /** As far as the file says; the namespace is absent where the file names none. */
  readonly service: Service;
  /** The name as a pattern, where a template makes a part of it: "{{ .Release.Name }}-front" is /^.+-front$/. */
  readonly pattern?: RegExp;
  /** What the place is about. */
  readonly about:
    | { readonly kind: 'service'; readonly range: Range }
    | { readonly kind: 'selector'; readonly range: Range }
    | { readonly kind: 'port'; readonly index: number; readonly range: Range };
}

/** Cheap, before anything is parsed: may there be a Service in this file at all? */
export function mayHoldService(text: string): boolean {
  return /\bkind["']?[ \t]*:[ \t]*["']?Service["']?[ \t]*(?:[,}#\r\n]|$)/.test(text);
}

/** undefined where the place belongs to no Service, or to a part of one that there is nothing to say about. */
export function serviceAt(text: string, offset: number): YamlService | undefined {
  const { start, end } = documentAround(text, offset);
  const original = text.slice(start, end);
  if (!mayHoldService(original)) return undefined;
  const document = parseDocument(withoutTemplates(original), {
    keepSourceTokens: false,
    logLevel: 'silent',
    merge: true,
    strict: false,
    uniqueKeys: false,
  });
  const at = offset - start;
  const map = servicesOf(document).find(({ range }) => range && range[0] <= at && at <= range[2]);
  if (!map) return undefined;
  return read(document, map, at, original, start);
}

/** From behind the "---" before the offset to the one after it. */
function documentAround(text: string, offset: number): Range {
  let start = 0;
  let end = text.length;
  for (const marker of text.matchAll(/^---(?=\s|$)[^\r\n]*/gm)) {
    const after = marker.index + marker[0].length;
    if (marker.index >= offset && marker.index > 0) {
      end = marker.index;
      break;
    }
    if (after <= offset) start = after;
  }
  return { start, end };
}

/**
 * The same text, character by character, in which Helm's {{ … }} have become something that YAML can read: a line of nothing else
 * becomes a comment, a value becomes underscores.
 */
export function withoutTemplates(text: string): string {
  if (!text.includes('{{')) return text;
  const chars = text.split('');
  for (const { 0: template, index } of text.matchAll(/\{\{[\s\S]*?\}\}/g)) {
    const lineStart = text.lastIndexOf('\n', index) + 1;
    const lineEnd = text.indexOf('\n', index + template.length);
    const rest = text.slice(index + template.length, lineEnd < 0 ? undefined : lineEnd);
    const alone = text.slice(lineStart, index).trim() === '' && rest.replace(/\{\{.*?\}\}/g, '').trim() === '';
    for (let i = index; i < index + template.length; i++)
      if (chars[i] !== '\n' && chars[i] !== '\r') chars[i] = alone ? ' ' : '_';
    if (alone) chars[index] = '#';
  }
  return chars.join('');
}

function servicesOf(document: Document.Parsed<ParsedNode>): readonly YAMLMap.Parsed[] {
  const { contents } = document;
  const items: unknown = isMap(contents) ? contents.get('items', true) : undefined;
  const maps: readonly unknown[] = isSeq(items) ? items.items : [contents];
  return maps.filter((node): node is YAMLMap.Parsed => isMap(node) && node.get('kind') === 'Service');
}

function inside(node: unknown, at: number): Range | undefined {
  const range = (node as Node | undefined)?.range;
  return range && range[0] <= at && at <= range[1] ? { start: range[0], end: range[1] } : undefined;
}

/** The range of "key: value" where the place is in it. */
function pairAt(map: unknown, key: string, at: number): Range | undefined {
  if (!isMap(map)) return undefined;
  for (const pair of map.items) {
    if (!isPair(pair) || !isScalar(pair.key) || pair.key.value !== key) continue;
    const first = (pair.key as Node).range;
    const last = (pair.value as Node | null)?.range ?? first;
    if (first && last && first[0] <= at && at <= last[1]) return { start: first[0], end: last[1] };
  }
  return undefined;
}

function read(
  document: Document,
  map: YAMLMap.Parsed,
  at: number,
  original: string,
  shift: number,
): YamlService | undefined {
  const resolved = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  const plain = (node: unknown): unknown => {
    const target = resolved(node) as Node | undefined;
    return target && typeof target === 'object' && 'toJS' in target ? target.toJS(document) : undefined;
  };
  const metadata = resolved(map.get('metadata', true));
  const spec = resolved(map.get('spec', true));
  const metadataNode = isMap(metadata) ? metadata : undefined;
  const specNode = isMap(spec) ? spec : undefined;
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;

  const nameNode = metadataNode?.get('name', true);
  const nameRange = (nameNode as Node | undefined)?.range;
  const written = nameRange ? original.slice(nameRange[0], nameRange[1]) : '';
  const name = text(plain(nameNode)) ?? '';
  const namespaceNode = metadataNode?.get('namespace', true);
  const namespaceRange = (namespaceNode as Node | undefined)?.range;
  const templated = namespaceRange && original.slice(namespaceRange[0], namespaceRange[1]).includes('{{');
  const namespace = templated ? undefined : text(plain(namespaceNode));
  const labels = strings(plain(metadataNode?.get('labels', true)));
  const selector = strings(plain(specNode?.get('selector', true)));
  const ports = plain(specNode?.get('ports', true));
  const type = text(plain(specNode?.get('type', true)));
  const service: Service = {
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }) },
    spec: {
      ...(type !== undefined && { type: type as NonNullable<Service['spec']['type']> }),
      ...(selector && { selector }),
      ports: Array.isArray(ports) ? ports.map(portOf) : [],
    },
  };
  const about = aboutWhat(map, metadataNode, specNode, at);
  if (!about) return undefined;
  const { start, end } = about.range;
  return {
    service,
    ...(written.includes('{{') && { pattern: patternOf(written) }),
    about: { ...about, range: { start: start + shift, end: end + shift } },
  };
}

function aboutWhat(map: YAMLMap, metadata: unknown, spec: unknown, at: number): YamlService['about'] | undefined {
  const selector = pairAt(spec, 'selector', at);
  if (selector) return { kind: 'selector', range: selector };
  const ports = isMap(spec) ? spec.get('ports', true) : undefined;
  if (isSeq(ports))
    for (const [index, port] of ports.items.entries()) {
      const range = inside(port, at);
      if (range) return { kind: 'port', index, range };
    }
  for (const [node, key] of [
    [map, 'kind'],
    [metadata, 'name'],
    [metadata, 'namespace'],
    [spec, 'type'],
    [spec, 'clusterIP'],
  ] as const) {
    const range = pairAt(node, key, at);
    if (range) return { kind: 'service', range };
  }
  return undefined;
}

function strings(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, own]) =>
      own === null || typeof own === 'object' ? [] : [[key, String(own)]],
    ),
  );
}

function portOf(value: unknown): ServicePort {
  const port = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const { name, protocol, targetPort, nodePort } = port;
  return {
    port: Number(port['port'] ?? 0) || 0,
    ...(typeof name === 'string' && { name }),
    ...((protocol === 'UDP' || protocol === 'SCTP' || protocol === 'TCP') && { protocol: protocol satisfies Protocol }),
    ...((typeof targetPort === 'string' || typeof targetPort === 'number') && { targetPort }),
    ...(typeof nodePort === 'number' && { nodePort }),
  };
}

function patternOf(written: string): RegExp {
  const parts = written.replace(/^["']|["']$/g, '').split(/\{\{[\s\S]*?\}\}/);
  return new RegExp(`^${parts.map((part) => part.trim().replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
}
