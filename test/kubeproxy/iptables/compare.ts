/** Chains whose rules kube-proxy writes in a new order each time: it walks a map of Services. Their order says nothing. */
const DISPATCH = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL'];

/** The jump that has to come last all the same. */
const LAST = 'NOTE: this must be the last rule in this chain';

/**
 * iptables-save as lines that are equal exactly where the rules are: without its comments and counters, each line behind its table's
 * name, tables by name (legacy prints them in the order in which somebody first looked at them), dispatch chains sorted with their last
 * rules last.
 */
export function lines(save: string): string[] {
  const tables = new Map<string, { kept: string[]; dispatch: string[]; last: string[] }>();
  let name = '';
  for (const line of save.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) name = line;
    const table = tables.get(name) ?? { kept: [], dispatch: [], last: [] };
    tables.set(name, table);
    const text = `${name} ${line.replace(/^(:\S+ \S+) \[\d+:\d+\]$/, '$1')}`;
    const chain = /^-A (\S+)/.exec(line)?.[1];
    if (chain === undefined || !DISPATCH.includes(chain)) table.kept.push(text);
    else if (text.includes(LAST)) table.last.push(text);
    else {
      if (table.last.length > 0 && chain === 'KUBE-SERVICES') table.kept.push(`${text} (behind the last rule)`);
      table.dispatch.push(text);
    }
  }
  return [...tables]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { kept, dispatch, last }]) => [...kept, ...dispatch.sort(), ...last.sort()]);
}

/** Lines that one has oftener than the other, and the first place where only the order differs. */
export function difference(expected: string, actual: string): { missing: string[]; extra: string[]; order?: string } {
  const [wanted, found] = [lines(expected), lines(actual)];
  const missing = without(wanted, found);
  const extra = without(found, wanted);
  const place = wanted.findIndex((line, i) => line !== found[i]);
  return missing.length + extra.length > 0 || place < 0
    ? { missing, extra }
    : { missing, extra, order: wanted[place]! };
}

function without(some: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return some.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
