/** The two sets of dumps that are traced against each other: a node's own, and the same with what kube-proxy should have written. */
import type { Dump, DumpName } from '../kubernetes/source.ts';
import { readBlocks, type Blocks } from './blocks.ts';
import { withoutKubeProxy } from './iptables-differences.ts';
import { isOwned } from './owned.ts';

export interface NamedText {
  readonly name: DumpName;
  readonly text: string;
}

export type Backend = 'iptables-legacy' | 'iptables-nft';

const SAVES: Readonly<Record<4 | 6, readonly DumpName[]>> = {
  4: ['iptables-save.txt', 'iptables-nft-save.txt', 'iptables-legacy-save.txt'],
  6: ['ip6tables-save.txt', 'ip6tables-nft-save.txt', 'ip6tables-legacy-save.txt'],
};

export interface SavedTables {
  readonly name: DumpName;
  readonly blocks: Blocks;
  readonly complete: boolean;
  /** The number of rules in kube-proxy's own chains. */
  readonly owned: number;
}

const saved = new WeakMap<Dump, SavedTables>();

/** All that iptables-save printed for a family, the one that kube-proxy writes to first. A dump is read once. */
export function savedTables(dumps: readonly Dump[], family: 4 | 6): readonly SavedTables[] {
  const found = SAVES[family].flatMap((name): SavedTables[] => {
    const dump = dumps.find((each) => each.name === name);
    if (!dump) return [];
    let tables = saved.get(dump);
    if (!tables) {
      const blocks = readBlocks(dump.text);
      saved.set(dump, (tables = { name, blocks, complete: dump.complete, owned: ownedRules(blocks) }));
    }
    return [tables];
  });
  // iptables-save is what kube-proxy's own image calls; where that has nothing of kube-proxy, another may.
  return found.sort((a, b) => Number(b.owned > 0) - Number(a.owned > 0));
}

function ownedRules(blocks: Blocks): number {
  let rules = 0;
  for (const { blocks: chains } of blocks.tables.values())
    for (const block of chains.values()) if (isOwned(block.chain)) rules += block.pieces.length;
  return rules;
}

/** Which backend a dump is of: by its name, else by the line that iptables-save begins with, else by the version. */
export function backendOf(name: DumpName, dumps: readonly Dump[]): Backend {
  if (name.includes('-legacy-')) return 'iptables-legacy';
  if (name.includes('-nft-')) return 'iptables-nft';
  const text = dumps.find((each) => each.name === name)?.text ?? '';
  if (text.slice(0, 200).includes('(nf_tables)')) return 'iptables-nft';
  const version = dumps.find((each) => each.name === 'iptables-version.txt')?.text ?? '';
  return version.includes('legacy') || (version === '' && text.startsWith('# Generated'))
    ? 'iptables-legacy'
    : 'iptables-nft';
}

/** The same dumps with some texts replaced. A text of undefined leaves its dump out. */
export function withTexts(
  dumps: readonly NamedText[],
  texts: ReadonlyMap<DumpName, string | undefined>,
): readonly NamedText[] {
  const kept = dumps.flatMap(({ name, text }): NamedText[] => {
    if (!texts.has(name)) return [{ name, text }];
    const replaced = texts.get(name);
    return replaced === undefined ? [] : [{ name, text: replaced }];
  });
  for (const [name, text] of texts)
    if (text !== undefined && !dumps.some((dump) => dump.name === name)) kept.push({ name, text });
  return kept;
}

/** Without kube-proxy's chains in iptables' tables, whatever the backend. */
export function withoutIptables(dumps: readonly Dump[], but?: DumpName): ReadonlyMap<DumpName, string> {
  const texts = new Map<DumpName, string>();
  for (const family of [4, 6] as const)
    for (const { name, blocks, owned } of savedTables(dumps, family))
      if (name !== but && owned > 0) texts.set(name, withFirstLine(blocks.text, withoutKubeProxy(blocks)));
  return texts;
}

/** The line by which a reader tells the backend stays. */
export function withFirstLine(original: string, text: string): string {
  return original.startsWith('#') ? `${original.slice(0, original.indexOf('\n') + 1)}${text}` : text;
}

/** Without the tables `ip kube-proxy` and `ip6 kube-proxy`, in both of nft's languages. */
export function withoutNftables(dumps: readonly NamedText[]): ReadonlyMap<DumpName, string> {
  const texts = new Map<DumpName, string>();
  for (const { name, text } of dumps) {
    if (name === 'nft.txt') texts.set(name, text.replace(/^table ip6? kube-proxy \{[\s\S]*?^\}\n?/gm, ''));
    if (name === 'nft.json') texts.set(name, withoutObjects(text));
  }
  return texts;
}

function withoutObjects(text: string): string {
  try {
    const listing = JSON.parse(text) as { readonly nftables?: readonly Readonly<Record<string, unknown>>[] };
    const others = (listing.nftables ?? []).filter((object) => {
      const body = Object.values(object)[0] as Readonly<Record<string, unknown>> | undefined;
      return ('table' in object ? body?.['name'] : body?.['table']) !== 'kube-proxy';
    });
    return JSON.stringify({ nftables: others });
  } catch {
    return text; // cut off: its reader says so
  }
}
