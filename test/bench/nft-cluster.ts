import { readNft } from '../../src/netfilter/nftables/tables.ts';
import { printExpression } from '../../src/netfilter/nftables/print.ts';
import type { Element, NamedSet } from '../../src/netfilter/nftables/ruleset.ts';

/**
 * The rules of a made-up cluster as `nft -j list ruleset` prints what kube-proxy writes: every Service has one port and `endpoints` endpoints.
 * From 1.36 on these stand in the Service's chain; before, with `chains`, each has a chain of its own: that listing is the longest.
 */
export function nftClusterJson(services: number, endpoints: number, chains = false): string {
  const where = { family: 'ip', table: 'kube-proxy' };
  const ids = Array.from({ length: services }, (_, s) => s);
  const vip = (s: number): string => `10.${96 + (s >> 16)}.${(s >> 8) & 255}.${s & 255}`;
  const chainName = (s: number): string =>
    `service-${(s * 2654435761).toString(36).slice(-8).toUpperCase().padStart(8, 'A')}-ns-${s % 100}/svc-${s}/tcp/http`;
  const endpoint = (s: number, e: number): string => {
    const at = s * endpoints + e;
    return `10.${128 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
  };
  const payload = (protocol: string, field: string): object => ({ payload: { protocol, field } });
  const key = { concat: [payload('ip', 'daddr'), { meta: { key: 'l4proto' } }, payload('th', 'dport')] };
  const mark = { meta: { key: 'mark' } };
  const match = (op: string, left: object, right: unknown): object => ({ match: { op, left, right } });
  const jump = (target: string): object => ({ jump: { target } });
  const setMark = (op: string): object => ({ mangle: { key: mark, value: { [op]: [mark, 16384] } } });
  let handle = 0;
  const rule = (chain: string, ...expr: object[]): object => ({ rule: { ...where, chain, handle: handle++, expr } });
  const base = (name: string, type: string, hook: string, prio: number): object => ({
    chain: { ...where, name, handle: handle++, type, hook, prio, policy: 'accept' },
  });
  const inner = ['services', 'masquerading', 'service-endpoints-check', 'cluster-ips-check', ...ids.map(chainName)];
  const triple = ['ipv4_addr', 'inet_proto', 'inet_service'];
  const serviceIps = ids.map((s) => [{ concat: [vip(s), 'tcp', 80] }, { goto: { target: chainName(s) } }]);
  const isNew = match('in', { ct: { key: 'state' } }, 'new');
  const ownChain = (s: number, e: number): string =>
    `endpoint-${chainName(s).slice('service-'.length)}__${endpoint(s, e)}/8080`;
  const isTcp = match('==', { meta: { key: 'l4proto' } }, 'tcp');
  const ownRules = (s: number, e: number): readonly object[] => [
    rule(ownChain(s, e), match('==', payload('ip', 'saddr'), endpoint(s, e)), jump('mark-for-masquerade')),
    rule(ownChain(s, e), isTcp, { dnat: { family: 'ip', addr: endpoint(s, e), port: 8080 } }),
  ];
  const each = <T>(make: (s: number, e: number) => T): T[] =>
    ids.flatMap((s) => Array.from({ length: endpoints }, (_, e) => make(s, e)));
  // Piece by piece, as nft separates them: the objects of the biggest listing would take more room than its text.
  const text = (objects: readonly object[]): string => objects.map((one) => JSON.stringify(one)).join(', ');
  const ownChains = chains
    ? [
        text(each((s, e) => ({ chain: { ...where, name: ownChain(s, e), handle: handle++ } }))),
        text([{ chain: { ...where, name: 'mark-for-masquerade', handle: handle++ } }]),
        text([rule('mark-for-masquerade', setMark('|'))]),
      ]
    : [];
  const pieces = [
    text([
      { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } },
      { table: { family: 'ip', name: 'kube-proxy', handle: 1 } },
      { set: { ...where, name: 'cluster-ips', type: 'ipv4_addr', handle: 2, elem: ids.map(vip) } },
      { map: { ...where, name: 'no-endpoint-services', type: triple, handle: 3, map: 'verdict' } },
      { map: { ...where, name: 'service-ips', type: triple, handle: 4, map: 'verdict', elem: serviceIps } },
      base('filter-forward', 'filter', 'forward', 0),
      base('nat-prerouting', 'nat', 'prerouting', -100),
      base('nat-output', 'nat', 'output', -100),
      base('nat-postrouting', 'nat', 'postrouting', 100),
      ...inner.map((name) => ({ chain: { ...where, name, handle: handle++ } })),
      rule('filter-forward', isNew, jump('service-endpoints-check')),
      rule('filter-forward', isNew, jump('cluster-ips-check')),
      rule('service-endpoints-check', { vmap: { key, data: '@no-endpoint-services' } }),
      rule('cluster-ips-check', match('==', payload('ip', 'daddr'), '@cluster-ips'), {
        reject: { type: 'icmp', expr: 'port-unreachable' },
      }),
      rule('nat-prerouting', jump('services')),
      rule('nat-output', jump('services')),
      rule('nat-postrouting', jump('masquerading')),
      rule(
        'services',
        match('==', payload('ip', 'daddr'), '@cluster-ips'),
        match('!=', payload('ip', 'saddr'), { prefix: { addr: '10.128.0.0', len: 9 } }),
        setMark('|'),
      ),
      rule('services', { vmap: { key, data: '@service-ips' } }),
      rule('masquerading', match('!=', { '&': [mark, 16384] }, 0), setMark('^'), {
        masquerade: { flags: 'fully-random' },
      }),
    ]),
    ...ownChains,
    text(
      ids.flatMap((s) => {
        const set = Array.from({ length: endpoints }, (_, e) => [
          e,
          chains ? { goto: { target: ownChain(s, e) } } : { concat: [endpoint(s, e), 8080] },
        ]);
        const key = { numgen: { mode: 'random', mod: endpoints, offset: 0 } };
        if (!chains)
          return [rule(chainName(s), isTcp, { dnat: { family: 'ip', addr: { map: { key, data: { set } } } } })];
        const outside = match('!=', payload('ip', 'saddr'), { prefix: { addr: '10.128.0.0', len: 9 } });
        return [
          ...Array.from({ length: endpoints }, (_, e) => ownRules(s, e)).flat(),
          rule(chainName(s), match('==', payload('ip', 'daddr'), vip(s)), outside, jump('mark-for-masquerade')),
          rule(chainName(s), { vmap: { key, data: { set } } }),
        ];
      }),
    ),
  ];
  return `{"nftables": [${pieces.join(', ')}]}\n`;
}

/** The same rules as `nft list ruleset` prints them. */
export function nftText(json: string): string {
  const lines: string[] = [];
  for (const { family, name, sets, chains } of readNft(json, 'nft.json').tables) {
    lines.push(`table ${family} ${name} {`);
    for (const set of sets) lines.push(...setLines(set));
    for (const { name: chain, base, rules } of chains) {
      lines.push(`\tchain ${chain} {`);
      if (base) {
        const { type, hook, priority, policy } = base;
        lines.push(`\t\ttype ${type} hook ${hook} priority ${priority}; policy ${policy};`);
      }
      lines.push(...rules.map(({ text }) => `\t\t${text}`), '\t}', '');
    }
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}

function setLines({ kind, name, key, data, elements }: NamedSet): string[] {
  const type = `\t\ttype ${key.join(' . ')}${kind === 'map' ? ` : ${data.join(' . ')}` : ''}`;
  const listed = elements.map(elementText).join(',\n\t\t\t     ');
  return [`\t${kind} ${name} {`, type, ...(listed === '' ? [] : [`\t\telements = { ${listed} }`]), '\t}', ''];
}

function elementText({ key, data }: Element): string {
  return data === undefined ? printExpression(key) : `${printExpression(key)} : ${printExpression(data)}`;
}
