/**
 * kube-proxy's configuration, as far as the tables that it wrote betray it: for nodes whose kube-proxy is neither a pod nor has a ConfigMap.
 */
import type { Settings } from '../configuration.ts';

/** @param dump `nft list ruleset`, among other text. Of JSON nothing is read. */
export function settingsOfTables(dump: string): Partial<Settings> {
  const [ip, ip6] = ['ip', 'ip6'].map((family) => tableIn(dump, family));
  const tables = [ip, ip6].filter((table) => table !== undefined);
  if (tables.length === 0) return {};
  const text = tables.join('\n');
  const refuses = text.includes('localhost-nodeport-reject-udp');
  const mark = /\bmeta mark set meta mark \^ 0x([\da-f]+)/.exec(text)?.[1];
  return {
    ...(mark !== undefined && { masqueradeBit: Math.log2(parseInt(mark, 16)) }),
    ...localTraffic(tables),
    nodePortAddresses: [
      ...nodePorts(ip, '0.0.0.0/0', 32),
      ...nodePorts(ip6, '::/0', 128),
      // What a proxy in userspace serves is not refused.
      ...(refuses && !text.includes('localhost-nodeport-reject-tcp') ? ['localhost'] : []),
    ],
    ...(refuses && { featureGates: { KubeProxyNFTablesLocalhostNodePorts: true } }),
  };
}

function tableIn(dump: string, family: string): string | undefined {
  const start = dump.search(new RegExp(`^table ${family} kube-proxy \\{$`, 'm'));
  if (start < 0) return undefined;
  const end = dump.indexOf('\n}', start);
  return dump.slice(start, end < 0 ? undefined : end);
}

/**
 * The rule that masquerades what comes to a cluster IP from elsewhere than a local pod: one for each Service up to 1.35 (with its
 * port up to 1.33), one for all since. A rule that asks for no source masquerades all.
 */
function localTraffic(tables: readonly string[]): Partial<Settings> {
  const rule =
    /\bip6? daddr (?:[\da-f.:]+(?: \w+ dport \d+)?|@cluster-ips) (?:(ip6? saddr|iif|iifname) != (\S+) )?(?:jump mark-for-masquerade|meta mark set)/;
  const found = tables.flatMap((table) => {
    const [match, by, what] = rule.exec(table) ?? [];
    return match === undefined ? [] : [{ by, what: unquoted(what ?? '') }];
  });
  if (found.length === 0) return shortCircuit(tables);
  if (found.some(({ by }) => by === undefined)) return { masqueradeAll: true, ...shortCircuit(tables) };
  return detector(found as { by: string; what: string }[]);
}

/** The rule by which pods of the node get past external policy Local says so, too. */
function shortCircuit(tables: readonly string[]): Partial<Settings> {
  const rule = /^\t\t(ip6? saddr|iif|iifname) (\S+) goto \S+ comment "short-circuit pod traffic"$/m;
  return detector(
    tables.flatMap((table) => {
      const [match, by, what] = rule.exec(table) ?? [];
      return match === undefined ? [] : [{ by: by!, what: unquoted(what!) }];
    }),
  );
}

function detector(found: readonly { readonly by: string; readonly what: string }[]): Partial<Settings> {
  const [first] = found;
  if (!first) return {};
  if (!first.by.startsWith('iif')) return { clusterCIDRs: found.map((each) => each.what) };
  return first.what.endsWith('*')
    ? { detectLocalMode: 'InterfaceNamePrefix', interfaceNamePrefix: first.what.slice(0, -1) }
    : { detectLocalMode: 'BridgeInterface', bridgeInterface: first.what };
}

function unquoted(text: string): string {
  return text.replace(/^"(.*)"$/, '$1');
}

/** All addresses, or those of the set; a set without any stands for loopback, which never takes node ports. */
function nodePorts(table: string | undefined, all: string, bits: number): string[] {
  if (table === undefined) return [];
  const set = /^\tset nodeport-ips \{\n((?:\t\t.*\n)*)\t\}$/m.exec(table)?.[1];
  if (set === undefined) return [all];
  const elements = /elements = \{ ([^}]*) \}/.exec(set)?.[1];
  if (elements === undefined) return [bits === 32 ? '127.0.0.0/8' : '::1/128'];
  return elements.split(',').map((address) => `${address.trim()}/${bits}`);
}
