/**
 * Reads `nft -j list ruleset` element by element. What of them is needed to find the others is kept; rules and elements are turned into our form when
 * they are first looked at. Where the text is cut off or broken, or has something around it, every element that is whole is read. Never throws.
 */
import type { Place } from '../outcome.ts';
import { inOneGo, type Slices } from '../slices.ts';
import { isObject, strings, type Json, type JsonObject } from './json-expressions.ts';
import { readElements, type JsonElements, type Taken } from './json-elements.ts';
import { JsonChain, JsonSet } from './json-members.ts';
import { findArray } from './json-scan.ts';
import { parsePriority } from './priority.ts';
import type { BaseChain, NamedObject, NamedSet, NftFamily, ReadingProblem, Ruleset, Table } from './ruleset.ts';

const FAMILIES = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev']);
/** So many problems are told: a dump that is broken everywhere has a million. */
const TOLD = 1000;

export function readJson(text: string, dump: string): Ruleset {
  return inOneGo(readJsonInSlices(text, dump));
}

/** Yields how far it has come, 0 to 1, every few milliseconds. */
export function* readJsonInSlices(text: string, dump: string): Slices<Ruleset> {
  const array = findArray(text);
  if (!array) {
    const newline = text.indexOf('\n');
    const place: Place = { dump, line: 1, start: 0, end: newline < 0 ? text.length : newline };
    const message = 'There is no nft ruleset in this JSON: {"nftables": [ … ]} was expected.';
    const advice = 'Record it with "nft -j list ruleset".';
    return { language: 'json', tables: [], problems: [{ place, message, advice }], complete: false };
  }
  const reader = new Reader(text, dump);
  const complete = yield* readElements(
    array,
    reader.elements,
    (from, to, message, advice) => reader.tell(from, to, message, advice),
    (index, taken) => reader.take(index, taken),
  );
  return reader.ruleset(complete);
}

interface Draft {
  readonly name: string;
  readonly family: NftFamily;
  readonly flags: readonly string[];
  readonly comment?: string;
  readonly index: number;
  /** By name, also those of which there are rules alone. */
  readonly chains: Map<string, JsonChain>;
  readonly sets: NamedSet[];
  readonly objects: NamedObject[];
}

class Reader {
  readonly elements: JsonElements;
  readonly dump: string;
  private readonly problems: ReadingProblem[] = [];
  private readonly drafts = new Map<string, Draft>();

  constructor(text: string, dump: string) {
    this.elements = { text, offsets: [], lines: [] };
    this.dump = dump;
  }

  place(index: number): Place {
    const { offsets, lines } = this.elements;
    return { dump: this.dump, line: lines[index]!, start: offsets[2 * index]!, end: offsets[2 * index + 1]! };
  }

  tell(start: number, end: number, message: string, advice: string): void {
    if (this.problems.length >= TOLD) return;
    // The text may be a single line, or millions: counted from the last element that is known.
    const { text, offsets, lines } = this.elements;
    const known = lines.length - 1;
    const from = known >= 0 && offsets[2 * known]! <= start ? known : -1;
    let line = from >= 0 ? lines[from]! : 1;
    const piece = text.slice(from >= 0 ? offsets[2 * from]! : 0, start);
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1)) line++;
    this.problems.push({ place: { dump: this.dump, line, start, end }, message, advice });
  }

  take(index: number, { json: entry, elements }: Taken): void {
    if (!isObject(entry)) return;
    for (const kind in entry) {
      const json = entry[kind];
      if (!isObject(json) || kind === 'metainfo') continue;
      if (kind === 'table') {
        this.table(json, index);
        continue;
      }
      const draft = this.draft(json, index);
      if (!draft) this.lost(index, kind);
      else if (kind === 'rule') this.chain(draft, String(json['chain']), index).add(index);
      else if (kind === 'chain')
        this.chain(draft, String(json['name']), index).declare(index, base(draft.family, json));
      else if (kind === 'set' || kind === 'map') draft.sets.push(new JsonSet(this, kind, json, index, elements));
      else if (kind !== 'element') draft.objects.push(this.object(kind, json, index));
    }
  }

  ruleset(complete: boolean): Ruleset {
    const tables = [...this.drafts.values()].map((draft) => this.made(draft));
    const problems = this.problems.toSorted((a, b) => a.place.start - b.place.start);
    return { language: 'json', tables, problems, complete };
  }

  private table(json: JsonObject, index: number): void {
    const [family, name] = [String(json['family']), String(json['name'])];
    const key = `${family} ${name}`;
    if (this.drafts.has(key) || !isFamily(family)) return;
    const flags = this.flags(name, json['flags'], index);
    const comment = json['comment'];
    const said = { family, name, flags, ...(typeof comment === 'string' ? { comment } : {}) };
    this.drafts.set(key, { ...said, index, ...empty() });
  }

  /** The table that an element is in. A cut-off or filtered listing may lack the table's own line. */
  private draft({ family, table }: JsonObject, index: number): Draft | undefined {
    const key = `${String(family)} ${String(table)}`;
    const known = this.drafts.get(key);
    if (known) return known;
    if (!isFamily(family) || typeof table !== 'string') return undefined;
    const made = { family, name: table, flags: [], index, ...empty() };
    this.drafts.set(key, made);
    return made;
  }

  private lost(index: number, kind: string): void {
    const { start, end } = this.place(index);
    const message = `This ${kind} names no table of a known family: {"family": "ip", "table": "…"} was expected.`;
    this.tell(start, end, message, 'It was left out. Record the node again with "nft -j list ruleset".');
  }

  private chain({ chains, family }: Draft, name: string, index: number): JsonChain {
    let chain = chains.get(name);
    if (!chain) {
      // As a piece of the dump it takes no room of its own.
      const { start, end } = this.place(index);
      const element = this.elements.text.slice(start, end);
      const at = element.indexOf(name);
      const own = at < 0 ? name : element.slice(at, at + name.length);
      chains.set(own, (chain = new JsonChain(this, family, own)));
    }
    return chain;
  }

  private made({ index, chains, ...draft }: Draft): Table {
    const place = (): Place => this.place(index);
    return {
      ...draft,
      chains: [...chains.values()],
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
    const { start, end } = this.place(index);
    this.tell(
      start,
      end,
      `The flag of table ${name} reads "${name}": nft 1.0.6 writes so for "dormant" and for "owner". It is taken as "${flag}".`,
      'Record the text of "nft list ruleset" as well, which says which of them it is.',
    );
    return flags.map((one) => (one === name ? flag : one));
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

function isFamily(json: Json | undefined): json is NftFamily {
  return FAMILIES.has(String(json));
}

function base(family: NftFamily, json: JsonObject): BaseChain | undefined {
  const { type, hook, prio, policy, dev } = json;
  if (typeof type !== 'string' || typeof hook !== 'string') return undefined;
  const priority = typeof prio === 'number' ? prio : parsePriority(String(prio), family);
  if (priority === undefined) return undefined;
  return { type, hook, priority, policy: policy === 'drop' ? 'drop' : 'accept', devices: strings(dev) };
}

function empty(): Pick<Draft, 'chains' | 'sets' | 'objects'> {
  return { chains: new Map(), sets: [], objects: [] };
}
