/** A node's table kube-proxy against the expected one, as `nft -j` lists them: chains, sets and maps. */
import { listContainer, type Chain, type Container } from '../kubeproxy/nftables/listing.ts';
import type { Table } from '../kubeproxy/nftables/table.ts';
import type { ProxiedPort } from '../kubeproxy/services.ts';
import { compareSlices } from './compare.ts';
import type { Entry, Slice, SliceDifference } from './compare.ts';

/** One object of libnftables-json(5): a single member that names its kind. */
export type NftObject = Readonly<Record<string, unknown>>;

export type NftFamily = 'ip' | 'ip6';

const TABLE = 'kube-proxy';

/** A side's chains, sets and maps by name. */
export interface TableSlices {
  readonly chains: ReadonlyMap<string, Slice>;
  /** Sets and maps; made when they are asked for, since theirs may be a hundred thousand elements. */
  readonly containers: ReadonlyMap<string, () => Slice>;
}

export function nftablesDifferences(expected: TableSlices, actual: TableSlices): readonly SliceDifference[] {
  const found: SliceDifference[] = [];
  for (const [name, left] of expected.chains) {
    const right = actual.chains.get(name);
    if (right && sameEntries(left.entries, right.entries)) continue;
    const difference = compareSlices(left, right);
    if (difference) found.push(difference);
  }
  // A base chain is entered by itself, so one that is not expected may act. Any other needs a rule that leads to it.
  for (const [name, right] of actual.chains)
    if (!expected.chains.has(name) && right.entries[0]?.text.startsWith('type ')) {
      const difference = compareSlices(undefined, right);
      if (difference) found.push(difference);
    }
  for (const [name, left] of expected.containers) {
    const difference = compareSlices(left(), actual.containers.get(name)?.());
    if (difference) found.push(difference);
  }
  return found;
}

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, i) => entry.canonical === b[i]!.canonical);
}

/** The expected table, each chain and element with the Service port that it is there for. */
export function expectedSlices(expected: Table, actual: TableSlices): TableSlices {
  const { family } = expected.settings;
  const table = `${family} ${TABLE}`;
  const chains = new Map<string, Slice>();
  const addChain = (chain: Chain, port: ProxiedPort | undefined): void => {
    const { type, hook, prio } = chain.base ?? {};
    const entries = chain.rules.map((rule) => ({ ...ruleEntry(rule.expr), port }));
    if (hook !== undefined) entries.unshift({ ...baseEntry(type, hook, prio, 'accept'), port });
    chains.set(chain.name, { table, name: chain.name, kind: 'chain', ordered: true, entries, port });
  };
  for (const chain of expected.stock.chains) addChain(chain, undefined);
  const shared = new Map<string, Map<string, Entry[]>>();
  const containers = new Map<string, () => Slice>();
  for (const { port, chains: own, sets, elements } of expected.ports) {
    for (const chain of own) addChain(chain, port);
    for (const { container, id, elem } of elements) {
      const held = shared.get(container) ?? new Map<string, Entry[]>();
      shared.set(container, held);
      const entry = { ...elementEntry(elem), port };
      const others = held.get(id);
      if (others) others.push(entry);
      else held.set(id, [entry]);
    }
    for (const set of sets) {
      const entries = [{ ...declaration(set.kind, containerBody(family, set)), port }];
      containers.set(set.name, () => ({ table, name: set.name, kind: set.kind, ordered: false, entries, port }));
    }
  }
  for (const container of expected.stock.containers)
    containers.set(container.name, () => {
      const claimed = [...(shared.get(container.name)?.values() ?? [])];
      // Two Services may claim the same address and port. Which of them gets it differs from sync to sync: either is right.
      const has = claimed.some((list) => list.length > 1)
        ? new Set(
            actual.containers
              .get(container.name)?.()
              .entries.map((entry) => entry.canonical),
          )
        : undefined;
      const entries: Entry[] = [
        declaration(container.kind, containerBody(family, container)),
        ...(container.elements ?? []).map(elementEntry),
        ...claimed.map((list) => list.find((entry) => has?.has(entry.canonical)) ?? list.at(-1)!),
      ];
      return { table, name: container.name, kind: container.kind, ordered: false, entries };
    });
  return { chains, containers };
}

function containerBody(family: NftFamily, container: Container): Readonly<Record<string, unknown>> {
  return member(listContainer(family, container, []) as NftObject)[1];
}

const known = new WeakMap<readonly NftObject[], Map<NftFamily, TableSlices>>();

/** The table kube-proxy of one family in the objects of `nft -j list ruleset`. Kept with the objects. */
export function actualSlices(family: NftFamily, objects: readonly NftObject[]): TableSlices {
  const kept = known.get(objects) ?? new Map<NftFamily, TableSlices>();
  known.set(objects, kept);
  let slices = kept.get(family);
  if (!slices) kept.set(family, (slices = readSlices(family, objects)));
  return slices;
}

function readSlices(family: NftFamily, objects: readonly NftObject[]): TableSlices {
  const table = `${family} ${TABLE}`;
  const entries = new Map<string, Entry[]>();
  const containers = new Map<string, () => Slice>();
  for (const object of objects) {
    const [kind, body] = member(object);
    if (body['family'] !== family || body['table'] !== TABLE) continue;
    const name = String(body[kind === 'rule' ? 'chain' : 'name']);
    if (kind === 'chain' || kind === 'rule') {
      let list = entries.get(name);
      if (!list) entries.set(name, (list = []));
      if (kind === 'rule') list.push(ruleEntry(body['expr']));
      else if (body['hook'] !== undefined)
        list.unshift(baseEntry(body['type'], body['hook'], body['prio'], body['policy']));
    } else if (kind === 'set' || kind === 'map') {
      let slice: Slice | undefined;
      containers.set(name, () => (slice ??= containerSlice(table, kind, name, body)));
    }
  }
  const chains = new Map<string, Slice>();
  for (const [name, list] of entries) chains.set(name, { table, name, kind: 'chain', ordered: true, entries: list });
  return { chains, containers };
}

function containerSlice(
  table: string,
  kind: 'set' | 'map',
  name: string,
  body: Readonly<Record<string, unknown>>,
): Slice {
  // What clients did, not what kube-proxy wrote: the elements of affinity sets come and go.
  const elements = !name.startsWith('affinity-') && Array.isArray(body['elem']) ? (body['elem'] as unknown[]) : [];
  return { table, name, kind, ordered: false, entries: [declaration(kind, body), ...elements.map(elementEntry)] };
}

function baseEntry(type: unknown, hook: unknown, priority: unknown, policy: unknown): Entry {
  const text = `type ${String(type)} hook ${String(hook)} priority ${String(priority)}; policy ${String(policy ?? 'accept')};`;
  return { text, canonical: text };
}

/** The actual objects with one family's table kube-proxy replaced by the expected one: the expected rules in the node's surroundings. */
export function nftablesInSurroundings(
  expected: readonly NftObject[],
  actual: readonly NftObject[],
  family: NftFamily,
): readonly NftObject[] {
  const isOwn = (object: NftObject): boolean => {
    const [kind, body] = member(object);
    return body['family'] === family && (kind === 'table' ? body['name'] : body['table']) === TABLE;
  };
  return [...actual.filter((object) => !isOwn(object)), ...expected];
}

/** Whether these objects have a table kube-proxy with rules in it. */
export function hasKubeProxyRules(objects: readonly NftObject[], family: NftFamily): boolean {
  return objects.some((object) => {
    const [kind, body] = member(object);
    return kind === 'rule' && body['table'] === TABLE && body['family'] === family;
  });
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
