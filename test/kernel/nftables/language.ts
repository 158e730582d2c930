import type { Program } from '../../../src/netfilter/program.ts';
import { programOf } from '../../../src/netfilter/program-of.ts';
import { isIptablesTable, readNft } from '../../../src/netfilter/nftables/tables.ts';
import type { Statement } from '../../../src/netfilter/nftables/ruleset.ts';
import type { RandomLanguage } from '../language.ts';
import { randomRuleSet } from './random-rules.ts';

export const nftablesLanguage: RandomLanguage = {
  name: 'nftables',
  random: randomRuleSet,
  list: () => [
    ['nft', 'list', 'ruleset'],
    ['nft', '-j', 'list', 'ruleset'],
  ],
  // One rule set is read from nft's text, the next from its JSON.
  program: ([text = '', json = '']) =>
    programOf([
      text.length % 2 === 0
        ? { name: 'nft.txt', text: withoutOracle(text) }
        : { name: 'nft.json', text: withoutOracle(json) },
    ]),
  counters,
};

/** The oracle's own table is no part of the rules. */
function withoutOracle(text: string): string {
  if (!text.startsWith('{')) return text.replace(/^table inet oracle \{[\s\S]*?^\}\n?/m, '');
  const { nftables: all } = JSON.parse(text) as {
    nftables: Record<string, { table?: string; name?: string; family?: string }>[];
  };
  return JSON.stringify({
    nftables: all.filter((entry) =>
      Object.values(entry).every((one) => one.table !== 'oracle' && one.name !== 'oracle'),
    ),
  });
}

/** Rules whose counter counts exactly the packets that match: nothing behind it can break the rule off, and nothing before it acts. */
function counters(program: Program): ReturnType<RandomLanguage['counters']> {
  const found: { chain: ReturnType<RandomLanguage['counters']>[number]['chain']; index: number; packets: number }[] =
    [];
  for (const [name, text] of program.texts)
    for (const table of readNft(text, name).tables) {
      const family = table.family === 'ip' ? 4 : table.family === 'ip6' ? 6 : table.family;
      const own = program.tables.find((one) => one.name === table.name && one.family === family);
      if (!own || isIptablesTable(table)) continue;
      for (const { name: chainName, rules } of table.chains)
        rules.forEach(({ statements, packets }, index) => {
          const at = statements.findIndex(({ kind }) => kind === 'counter');
          if (at < 0 || packets === undefined) return;
          if (!statements.slice(0, at).every(({ kind }) => kind === 'match')) return;
          if (!statements.slice(at + 1).every(certain)) return;
          found.push({ chain: own.chains.get(chainName)!, index, packets });
        });
    }
  return found;
}

function certain(statement: Statement): boolean {
  switch (statement.kind) {
    case 'verdict':
    case 'notrack':
      return true;
    case 'reject':
      return statement.with === undefined;
    case 'nat':
      return statement.address?.kind !== 'map' && statement.port?.kind !== 'map';
    case 'assign':
      return statement.value.kind === 'number';
    default:
      return false;
  }
}
