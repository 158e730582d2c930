/** A node's table kube-proxy against the expected one, as `nft -j` lists them: chains, sets and maps. */
import { compareSlices } from './compare.ts';
import type { Entry, Slice, SliceDifference } from './compare.ts';

/** One object of libnftables-json(5): a single member that names its kind. */
export type NftObject = Readonly<Record<string, unknown>>;

export type NftFamily = 'ip' | 'ip6';

const TABLE = 'kube-proxy';

interface Collected {
  readonly chains: Map<string, Entry[]>;
  readonly containers: Map<string, { readonly kind: 'set' | 'map'; readonly entries: () => readonly Entry[] }>;
}

export function nftablesDifferences(
  family: NftFamily,
  expected: readonly NftObject[],
  actual: readonly NftObject[],
): readonly SliceDifference[] {
  const left = collect(family, expected);
  const right = collect(family, actual);
  const table = `${family} ${TABLE}`;
  const found: SliceDifference[] = [];
  for (const [name, entries] of left.chains) {
    const other = right.chains.get(name);
    if (other && entries.length === other.length && entries.every((e, i) => e.canonical === other[i]!.canonical))
      continue;
    const chain = (list: readonly Entry[]): Slice => ({ table, name, kind: 'chain', ordered: true, entries: list });
    const difference = compareSlices(chain(entries), other && chain(other));
    if (difference) found.push(difference);
    else if (!other && entries.length === 0)
      // An empty chain that is not there: nothing can lead to it.
      continue;
  }
  // A base chain is entered by itself, so one that is not expected may act. Any other needs a rule that leads to it.
  for (const [name, entries] of right.chains)
    if (!left.chains.has(name) && entries[0]?.text.startsWith('type '))
      found.push(compareSlices(undefined, { table, name, kind: 'chain', ordered: true, entries })!);
  for (const [name, { kind, entries }] of left.containers) {
    const slice = (list: readonly Entry[]): Slice => ({ table, name, kind, ordered: false, entries: list });
    const other = right.containers.get(name);
    const difference = compareSlices(slice(entries()), other && slice(other.entries()));
    if (difference) found.push(difference);
  }
  return found;
}

/** The actual objects with the tables kube-proxy replaced by the expected ones: the expected rules in the node's surroundings. */
export function nftablesInSurroundings(
  expected: readonly NftObject[],
  actual: readonly NftObject[],
): readonly NftObject[] {
  return [...actual.filter((object) => !isOfKubeProxy(object)), ...expected];
}

export function isOfKubeProxy(object: NftObject): boolean {
  const [kind, body] = member(object);
  return (kind === 'table' ? body['name'] : body['table']) === TABLE;
}

/** Whether these objects have a table kube-proxy with rules in it. */
export function hasKubeProxyRules(objects: readonly NftObject[], family: NftFamily): boolean {
  return objects.some((object) => {
    const [kind, body] = member(object);
    return kind === 'rule' && body['table'] === TABLE && body['family'] === family;
  });
}

function collect(family: NftFamily, objects: readonly NftObject[]): Collected {
  const chains = new Map<string, Entry[]>();
  const containers: Collected['containers'] = new Map();
  for (const object of objects) {
    const [kind, body] = member(object);
    if (body['family'] !== family || body['table'] !== TABLE) continue;
    const name = String(body['name']);
    if (kind === 'chain') {
      const entries = chains.get(name) ?? [];
      chains.set(name, entries);
      if (body['hook'] !== undefined) {
        const text = `type ${String(body['type'])} hook ${String(body['hook'])} priority ${String(body['prio'])}; policy ${String(body['policy'] ?? 'accept')};`;
        entries.unshift({ text, canonical: text });
      }
    } else if (kind === 'rule') {
      const chain = String(body['chain']);
      const entries = chains.get(chain);
      const entry = ruleEntry(body['expr']);
      if (entries) entries.push(entry);
      else chains.set(chain, [entry]);
    } else if (kind === 'set' || kind === 'map')
      // What clients did, not what kube-proxy wrote: the elements of affinity sets come and go.
      containers.set(name, {
        kind,
        entries: () => [
          declaration(kind, body),
          ...(name.startsWith('affinity-') ? [] : (Array.isArray(body['elem']) ? body['elem'] : []).map(elementEntry)),
        ],
      });
  }
  return { chains, containers };
}

function member(object: NftObject): readonly [string, Readonly<Record<string, unknown>>] {
  for (const kind in object) {
    const body = object[kind];
    return [kind, typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}];
  }
  return ['', {}];
}

/** The type decides what can match, the timeout how long a client keeps its endpoint; comment, size and handle decide nothing. */
function declaration(kind: string, body: Readonly<Record<string, unknown>>): Entry {
  const type = Array.isArray(body['type']) ? body['type'].join(' . ') : String(body['type']);
  const text = [
    `${kind} of ${type}`,
    ...(kind === 'map' ? [`: ${String(body['map'])}`] : []),
    ...(body['timeout'] === undefined ? [] : [`timeout ${String(body['timeout'])}s`]),
  ].join(' ');
  return { text, canonical: text };
}

function ruleEntry(expr: unknown): Entry {
  const statements = (Array.isArray(expr) ? (expr as unknown[]) : []).filter((s) => !isCounter(s));
  const canonical = stable(statements);
  return { text: canonical, canonical };
}

/** An anonymous counter counts; a named one is only a name. Neither changes a packet. */
function isCounter(statement: unknown): boolean {
  return typeof statement === 'object' && statement !== null && 'counter' in statement;
}

function elementEntry(element: unknown): Entry {
  const canonical = stable(bare(element));
  return { text: canonical, canonical };
}

/** Without comment, timeout and expiry: {"elem": {"val": …}} is its value. */
function bare(element: unknown): unknown {
  if (Array.isArray(element)) return element.map(bare);
  if (typeof element !== 'object' || element === null || !('elem' in element)) return element;
  const { elem } = element;
  return typeof elem === 'object' && elem !== null && 'val' in elem ? elem.val : element;
}

/** JSON with the members of objects in one order. Members that are in order already, as nft prints them, cost nothing more. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const keys = Object.keys(inner);
    if (keys.length < 2) return inner;
    const record = inner as Record<string, unknown>;
    return Object.fromEntries(keys.sort().map((key) => [key, record[key]]));
  });
}
