/** The same as excerpt.ts for nftables: the table kube-proxy without the chains of Services that nothing about the differences meets. */
import type { Table } from '../kubeproxy/nftables/table.ts';
import { attribute, type PortIndex } from './attribution.ts';
import type { SliceDifference } from './compare.ts';
import type { NftObject } from './nftables-differences.ts';

export type Keeps = (chain: string) => boolean;

/** Which chains may be met; undefined where rules that all Services share differ: then every chain may. */
export function metNftChains(
  differences: readonly SliceDifference[],
  expected: Table,
  index: PortIndex,
): Keeps | undefined {
  const touched = attribute(differences, index);
  if (touched.common.length > 0) return undefined;
  const bases = new Set<string>();
  for (const { port, chains, sets } of expected.ports)
    if (touched.ports.has(port)) for (const { name } of [...chains, ...sets]) bases.add(baseOf(name));
  for (const { name, missing, extra, moved } of differences) {
    if (isOfAPort(name)) bases.add(baseOf(name));
    for (const { canonical } of [...missing, ...extra, ...moved])
      for (const [found] of canonical.matchAll(/[a-z]+-[A-Z2-7]{8}-[^"]+/g)) bases.add(baseOf(found));
  }
  return (chain) => !isOfAPort(chain) || bases.has(baseOf(chain));
}

/** "shop/front/tcp/http" of "service-HRERZ4JW-shop/front/tcp/http" and of its endpoints' chains. */
function baseOf(name: string): string {
  return name.replace(/^[a-z]+-[A-Z2-7]{8}-/, '').replace(/__.*$/, '');
}

function isOfAPort(name: string): boolean {
  return name.includes('/');
}

/** Without the chains that are not met, their rules, and the elements that lead there. */
export function nftExcerpt(objects: readonly NftObject[], keeps: Keeps): readonly NftObject[] {
  return objects.flatMap((object): readonly NftObject[] => {
    for (const kind in object) {
      const body = object[kind] as Readonly<Record<string, unknown>>;
      if (body['table'] !== 'kube-proxy') return [object];
      if (kind === 'chain' || kind === 'set' || kind === 'map') {
        if (!keeps(String(body['name']))) return [];
        const { elem } = body;
        if (kind !== 'map' || !Array.isArray(elem)) return [object];
        return [{ map: { ...body, elem: (elem as unknown[]).filter((element) => leadsOn(element, keeps)) } }];
      }
      if (kind === 'rule') return keeps(String(body['chain'])) ? [object] : [];
      return [object];
    }
    return [];
  });
}

function leadsOn(element: unknown, keeps: Keeps): boolean {
  const verdict: unknown = Array.isArray(element) ? (element as unknown[])[1] : undefined;
  const goto = (verdict as { readonly goto?: { readonly target?: unknown } } | null | undefined)?.goto?.target;
  return typeof goto !== 'string' || keeps(goto);
}
