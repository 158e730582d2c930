/** Compares two listings of tables as the kernel sees them: order within a set or among chains says nothing, order of rules in a chain does. */
import type { Json } from '../../../src/kubeproxy/nftables/objects.ts';

type Fields = Readonly<Record<string, Json>>;

const PASSING = new Set(['handle', 'packets', 'bytes']);

/**
 * A listing as lines of text that are equal exactly where the tables are: each object of a table `kube-proxy` is one, each element of a named
 * set or map too, each rule with its number in its chain. Handles, counters' values and the clients in affinity sets are left out.
 */
export function lines(listing: unknown, family?: 'ip' | 'ip6'): string[] {
  const out: string[] = [];
  const numbers = new Map<string, number>();
  for (const object of (listing as { nftables: readonly Fields[] }).nftables) {
    const [kind, body] = Object.entries(object)[0] as [string, Fields];
    if (kind === 'metainfo') continue;
    if ((kind === 'table' ? body['name'] : body['table']) !== 'kube-proxy') continue;
    if (family && body['family'] !== family) continue;
    const { elem, ...kept } = body;
    const rest = Object.fromEntries(Object.entries(kept).filter(([key]) => !PASSING.has(key)));
    const where = `${String(body['family'])} ${String(body['name'] ?? body['chain'])}`;
    if (kind === 'rule') {
      const number = numbers.get(where) ?? 0;
      numbers.set(where, number + 1);
      out.push(`${where} rule ${number}: ${text(rest)}`);
      continue;
    }
    out.push(`${where} ${kind}: ${text(rest)}`);
    if (!String(body['name']).startsWith('affinity-'))
      for (const element of (elem ?? []) as readonly Json[]) out.push(`${where} element: ${text(element)}`);
  }
  return out.sort();
}

/** JSON with its keys in order. */
function text(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(text).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value as Fields).filter(([, member]) => member !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${text(member)}`)
    .join(',')}}`;
}

/** Lines that one has oftener than the other. */
export function difference(
  expected: readonly string[],
  actual: readonly string[],
): { readonly missing: readonly string[]; readonly extra: readonly string[] } {
  return { missing: without(expected, actual), extra: without(actual, expected) };
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  });
}
