/**
 * The rules of a made-up cluster as `nft -j list ruleset` prints what kube-proxy of 1.36 and later writes: every Service has one port and
 * `endpoints` endpoints.
 */
export function nftClusterJson(services: number, endpoints: number): string {
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
  return JSON.stringify({
    nftables: [
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
      ...ids.map((s) => {
        const set = Array.from({ length: endpoints }, (_, e) => [e, { concat: [endpoint(s, e), 8080] }]);
        const numgen = { mode: 'random', mod: endpoints, offset: 0 };
        const addr = { map: { key: { numgen }, data: { set } } };
        return rule(chainName(s), match('==', { meta: { key: 'l4proto' } }, 'tcp'), { dnat: { family: 'ip', addr } });
      }),
    ],
  });
}
