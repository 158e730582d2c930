/** Chains whose rules kube-proxy writes in a new order each time: it walks a map of Services. Their order says nothing. */
const DISPATCH = ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL'];

/** The jump that has to come last all the same. */
const LAST = 'NOTE: this must be the last rule in this chain';

/**
 * iptables-save as lines that are equal exactly where the rules are: without its comments and counters, each line behind its table's
 * name, dispatch chains sorted with their last rules last.
 */
export function lines(save: string): string[] {
  const out: string[] = [];
  const dispatch: string[] = [];
  const last: string[] = [];
  let table = '';
  for (const line of save.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) table = line;
    const text = `${table} ${line.replace(/^(:\S+ \S+) \[\d+:\d+\]$/, '$1')}`;
    const chain = /^-A (\S+)/.exec(line)?.[1];
    if (chain === undefined || !DISPATCH.includes(chain)) out.push(text);
    else if (text.includes(LAST)) last.push(text);
    else {
      if (last.length > 0 && chain === 'KUBE-SERVICES') out.push(`${text} (behind the last rule)`);
      dispatch.push(text);
    }
  }
  return [...out, ...dispatch.sort(), ...last.sort()];
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
