import type { DumpText } from '../../src/netfilter/program-of.ts';
import type { OracleJob } from './oracle.ts';

/**
 * The commands that put a node's dumps into a kernel, each with the backend that printed it; what the backend not in use holds goes first. Left
 * out is what rests on more than the dump: nfacct's counters, which it does not hold, and nftables' session affinity, which would
 * make a client known from its second packet on (of `recent` lists every packet is taken out again).
 */
export function loadOf(dumps: readonly DumpText[]): OracleJob['load'] {
  const load: { run: string[]; input: string }[] = [];
  const text = (name: string): string => dumps.find((dump) => dump.name === name)?.text ?? '';
  if (text('ipset-save.txt').trim()) load.push({ run: ['ipset', 'restore'], input: text('ipset-save.txt') });
  for (const name of [
    'iptables-nft-save.txt',
    'ip6tables-nft-save.txt',
    'iptables-legacy-save.txt',
    'ip6tables-legacy-save.txt',
    'iptables-save.txt',
    'ip6tables-save.txt',
  ]) {
    const rules = text(name);
    if (!rules.includes('*')) continue;
    const backend = /nft/.test(name) || rules.includes('(nf_tables)') ? 'nft' : 'legacy';
    load.push({
      run: [`${name.startsWith('ip6') ? 'ip6tables' : 'iptables'}-${backend}-restore`],
      input: rules.replace(/ -m nfacct --nfacct-name +\S+/g, ''),
    });
  }
  const native = nativeTables(text('nft.txt'));
  if (native) load.push({ run: ['nft', '-f', '-'], input: native.replace(/^\s*update @affinity-.*\n/gm, '') });
  return load;
}

/** The tables of a listing that are not iptables-nft's, which nft itself could not read back. */
function nativeTables(listing: string): string {
  return listing
    .split(/^(?=table )/m)
    .filter((table) => /^table (?!ip6? (filter|nat|mangle|raw|security) \{)/.test(table))
    .join('');
}
