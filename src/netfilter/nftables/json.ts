/**
 * Reads `nft -j list ruleset`. The array is parsed at once by JSON.parse; rules and elements are turned into our form when they are first
 * looked at. Where the text is cut off, or has something around it, every element that is whole is read. Never throws.
 */
import type { Place } from '../outcome.ts';
import type {
  BaseChain,
  Chain,
  Element,
  NamedObject,
  NamedSet,
  NftFamily,
  ReadingProblem,
  Ruleset,
  Table,
} from './ruleset.ts';
import { element, isList, isObject, type Json, type JsonObject } from './json-expressions.ts';
import { findArray, linesOf, scan, type Spans } from './json-places.ts';
import { JsonChain } from './json-rules.ts';
import { parsePriority } from './priority.ts';
import { once } from './ruleset.ts';

const FAMILIES = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']);

export function readJson(text: string, dump: string): Ruleset {
  const array = findArray(text);
  if (!array) {
    const place: Place = {
      dump,
      line: 1,
      start: 0,
      end: Math.min(text.length, text.indexOf('\n') < 0 ? text.length : text.indexOf('\n')),
    };
    const message = 'There is no nft ruleset in this JSON: {"nftables": [ … ]} was expected.';
    const advice = 'Record it with "nft -j list ruleset".';
    return { language: 'json', tables: [], problems: [{ place, message, advice }], complete: false };
  }
  const whole = parseWhole(text);
  const spans = once(() => scan(text, array.inside));
  const problems: ReadingProblem[] = [];
  const found = whole ?? parseElements(text, dump, array.start, spans(), problems);
  return new Reader(text, dump, found, spans, problems).ruleset(whole !== undefined || spans().closed);
}

function parseWhole(text: string): readonly Json[] | undefined {
  try {
    const json = JSON.parse(text) as Json;
    const list = isObject(json) ? json['nftables'] : undefined;
    return isList(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

/** Elements that are whole, and what is wrong with the rest. */
function parseElements(
  text: string,
  dump: string,
  start: number,
  spans: Spans,
  problems: ReadingProblem[],
): readonly Json[] {
  const { offsets } = spans;
  const found: Json[] = [];
  const tell = (from: number, to: number, message: string, advice: string): void => {
    problems.push({ place: { dump, line: linesOf(text, [from])[0]!, start: from, end: to }, message, advice });
  };
  const shown = (from: number, to: number): string => text.slice(from, Math.min(to, from + 80)).trim();
  if (shown(0, start) !== '')
    tell(
      0,
      start,
      `"${shown(0, start)}" stands before the ruleset: {"nftables": [ was expected first.`,
      'It was left out.',
    );
  for (let i = 0; i < offsets.length; i += 2) {
    const [from, to] = [offsets[i]!, offsets[i + 1]!];
    try {
      found.push(JSON.parse(text.slice(from, to)) as Json);
    } catch {
      found.push(null);
      tell(from, to, `"${shown(from, to)}" is no JSON.`, 'It was left out. Record the node again.');
    }
  }
  if (!spans.closed) {
    const from = offsets.at(-1) ?? start;
    const message = `The ruleset is cut off behind "${text.slice(Math.max(start, from - 60), from)}": "]}" was expected.`;
    tell(from, text.length, message, 'Record the node again; what follows is missing.');
  } else if (shown(spans.end, text.length) !== '')
    tell(spans.end, text.length, `"${shown(spans.end, text.length)}" stands behind the ruleset.`, 'It was left out.');
  return found;
}

interface Draft {
  readonly json: JsonObject;
  readonly index: number;
  readonly chains: { readonly json: JsonObject; readonly index: number }[];
  readonly sets: NamedSet[];
  readonly objects: NamedObject[];
  /** By chain: the rules' positions in the array. */
  readonly rules: Map<string, number[]>;
}

class Reader {
  readonly text: string;
  readonly dump: string;
  readonly list: readonly Json[];
  readonly problems: ReadingProblem[];
  private readonly spans: () => Spans;
  private readonly lines: () => readonly number[];

  constructor(text: string, dump: string, list: readonly Json[], spans: () => Spans, problems: ReadingProblem[]) {
    this.text = text;
    this.dump = dump;
    this.list = list;
    this.spans = spans;
    this.problems = problems;
    this.lines = once(() =>
      linesOf(
        text,
        spans().offsets.filter((_, i) => i % 2 === 0),
      ),
    );
  }

  place(index: number): Place {
    const { dump, spans, lines } = this;
    const { offsets } = spans();
    return {
      dump,
      line: lines()[index] ?? 1,
      start: offsets[2 * index] ?? 0,
      end: offsets[2 * index + 1] ?? 0,
    };
  }

  ruleset(complete: boolean): Ruleset {
    const drafts = new Map<string, Draft>();
    const draft = (json: JsonObject, index: number): Draft | undefined => {
      const key = `${String(json['family'])} ${String(json['table'])}`;
      const known = drafts.get(key);
      if (known) return known;
      if (!FAMILIES.has(String(json['family'])) || typeof json['table'] !== 'string') return undefined;
      // A cut-off or filtered listing may lack the table's own line.
      const made = { json: { family: json['family']!, name: json['table'] }, index, ...empty() };
      drafts.set(key, made);
      return made;
    };
    for (let index = 0; index < this.list.length; index++) {
      const entry = this.list[index];
      if (!isObject(entry)) continue;
      for (const kind in entry) {
        const json = entry[kind];
        if (!isObject(json) || kind === 'metainfo') continue;
        if (kind === 'table') {
          const key = `${String(json['family'])} ${String(json['name'])}`;
          if (!drafts.has(key) && FAMILIES.has(String(json['family']))) drafts.set(key, { json, index, ...empty() });
          continue;
        }
        const table = draft(json, index);
        if (!table) this.tell(index, kind);
        else if (kind === 'rule') {
          const chain = String(json['chain']);
          const rules = table.rules.get(chain);
          if (rules) rules.push(index);
          else table.rules.set(chain, [index]);
        } else if (kind === 'chain') table.chains.push({ json, index });
        else if (kind === 'set' || kind === 'map') table.sets.push(this.set(kind, json, index));
        else if (kind !== 'element') table.objects.push(this.object(kind, json, index));
      }
    }
    return {
      language: 'json',
      tables: [...drafts.values()].map((table) => this.table(table)),
      problems: this.problems,
      complete,
    };
  }

  private tell(index: number, kind: string): void {
    this.problems.push({
      place: this.place(index),
      message: `This ${kind} names no table of a known family: {"family": "ip", "table": "…"} was expected.`,
      advice: 'It was left out. Record the node again with "nft -j list ruleset".',
    });
  }

  private table(draft: Draft): Table {
    const { json, index } = draft;
    const name = String(json['name']);
    const family = json['family'] as NftFamily;
    const place = (): Place => this.place(index);
    const flags = this.flags(name, json['flags'], index);
    const known = new Set(draft.chains.map((chain) => String(chain.json['name'])));
    // Rules of a chain whose own line is missing are kept all the same.
    const bare = [...draft.rules.keys()].filter((chain) => !known.has(chain));
    const chains = [
      ...draft.chains.map((chain) => this.chain(family, chain.json, chain.index, draft.rules)),
      ...bare.map((chain) => this.chain(family, { name: chain }, draft.rules.get(chain)![0]!, draft.rules)),
    ];
    const comment = json['comment'];
    return {
      family,
      name,
      flags,
      ...(typeof comment === 'string' ? { comment } : {}),
      chains,
      sets: draft.sets,
      objects: draft.objects,
      get place() {
        return place();
      },
    };
  }

  /** nft 1.0.6 prints the table's own name where "dormant" or "owner" should stand; firewalld is known to own its table. */
  private flags(name: string, json: Json | undefined, index: number): readonly string[] {
    const flags = strings(json);
    if (!flags.includes(name)) return flags;
    const flag = name === 'firewalld' ? 'owner' : 'dormant';
    this.problems.push({
      place: this.place(index),
      message: `The flag of table ${name} reads "${name}": nft 1.0.6 writes so for "dormant" and for "owner". It is taken as "${flag}".`,
      advice: 'Record the text of "nft list ruleset" as well, which says which of them it is.',
    });
    return flags.map((one) => (one === name ? flag : one));
  }

  private chain(
    family: NftFamily,
    json: JsonObject,
    index: number,
    rules: ReadonlyMap<string, readonly number[]>,
  ): Chain {
    return new JsonChain(this, family, String(json['name']), index, this.base(family, json), rules);
  }

  private base(family: NftFamily, json: JsonObject): BaseChain | undefined {
    const { type, hook, prio, policy, dev } = json;
    if (typeof type !== 'string' || typeof hook !== 'string') return undefined;
    const priority = typeof prio === 'number' ? prio : parsePriority(String(prio), family);
    if (priority === undefined) return undefined;
    return { type, hook, priority, policy: policy === 'drop' ? 'drop' : 'accept', devices: strings(dev) };
  }

  private set(kind: 'set' | 'map', json: JsonObject, index: number): NamedSet {
    const { name, type, map, comment, timeout, elem } = json;
    const place = (): Place => this.place(index);
    const elements = once((): readonly Element[] => (isList(elem) ? elem.map(element) : []));
    return {
      kind,
      name: String(name),
      ...types(type),
      data: typeof map === 'string' ? map.split(' . ') : strings(map),
      flags: strings(json['flags']),
      ...(typeof comment === 'string' ? { comment } : {}),
      ...(typeof timeout === 'number' ? { timeout } : {}),
      get place() {
        return place();
      },
      get elements() {
        return elements();
      },
    };
  }

  private object(kind: string, json: JsonObject, index: number): NamedObject {
    const place = (): Place => this.place(index);
    return {
      kind,
      name: String(json['name']),
      get place() {
        return place();
      },
    };
  }
}

/** Newer releases write {"typeof": …} where the set was declared by `typeof`. */
function types(type: Json | undefined): { key: readonly string[]; typeof: readonly string[] } {
  return { key: typeof type === 'string' || isList(type) ? strings(type) : [], typeof: [] };
}

function strings(json: Json | undefined): readonly string[] {
  if (isList(json)) return json.map(String);
  return typeof json === 'string' ? [json] : [];
}

function empty(): Pick<Draft, 'chains' | 'sets' | 'objects' | 'rules'> {
  return { chains: [], sets: [], objects: [], rules: new Map() };
}
