import { atLeast, type Release } from '../version.ts';
import type { IptablesSettings } from './settings.ts';

/**
 * What stands in a node's tables whatever its Services: the kernel's base chains with kube-proxy's jumps, its own chains and their
 * fixed rules. Each line with the release from which on, and up to which, it is there. Jumps are put in front one by one,
 * so that they end up in the order below; rules of others may stand between them.
 */
interface Line {
  readonly line: string;
  readonly from?: number;
  readonly to?: number;
}

const FILTER_CHAINS: readonly Line[] = [
  { line: 'KUBE-EXTERNAL-SERVICES' },
  { line: 'KUBE-FIREWALL', from: 27 },
  { line: 'KUBE-FORWARD' },
  { line: 'KUBE-NODEPORTS', from: 21 },
  { line: 'KUBE-PROXY-CANARY' },
  { line: 'KUBE-PROXY-FIREWALL', from: 25 },
  { line: 'KUBE-SERVICES' },
];

const NAT_CHAINS: readonly Line[] = [
  // The kubelet's; kube-proxy only makes sure that it exists.
  { line: 'KUBE-MARK-DROP', to: 24 },
  { line: 'KUBE-MARK-MASQ' },
  { line: 'KUBE-NODEPORTS' },
  { line: 'KUBE-POSTROUTING' },
  { line: 'KUBE-PROXY-CANARY' },
  { line: 'KUBE-SERVICES' },
];

const FILTER_JUMPS: readonly Line[] = [
  { from: 27, line: '-A INPUT -j KUBE-FIREWALL' },
  {
    from: 25,
    line: '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  },
  { from: 21, line: '-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS' },
  {
    line: '-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
  },
  {
    from: 25,
    line: '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  },
  { line: '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD' },
  { line: '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' },
  {
    line: '-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES',
  },
  { from: 27, line: '-A OUTPUT -j KUBE-FIREWALL' },
  {
    from: 25,
    line: '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL',
  },
  { line: '-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' },
];

const NAT_JUMPS: readonly Line[] = [
  { line: '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' },
  { line: '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES' },
  { line: '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING' },
];

/** The chains of each table that the kernel brings along, in the order in which they are printed. */
export const BASE_CHAINS = {
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
} as const;

export type TableName = keyof typeof BASE_CHAINS;

function of(lines: readonly Line[], release: Release): string[] {
  return lines
    .filter(({ from = 0, to = Infinity }) => release.minor >= from && release.minor <= to)
    .map(({ line }) => line);
}

/** kube-proxy's own chains that are there without any Service. */
export function stockChains(table: TableName, release: Release): string[] {
  if (table === 'mangle') return ['KUBE-PROXY-CANARY'];
  return of(table === 'filter' ? FILTER_CHAINS : NAT_CHAINS, release);
}

export function stockRules(table: TableName, settings: IptablesSettings): string[] {
  if (table === 'mangle') return [];
  return table === 'filter'
    ? [...of(FILTER_JUMPS, settings.release), ...firewall(settings), ...forward(settings)]
    : [...of(NAT_JUMPS, settings.release), ...masquerading(settings)];
}

/** Guards 127.0.0.0/8 against the network, where node ports on it are open (1.27 and newer; the kubelet does the same always). */
function firewall({ release, family, nodePorts }: IptablesSettings): string[] {
  if (!atLeast(release, 27) || family !== 4 || !nodePorts.onLocalhost) return [];
  return [
    '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
  ];
}

function forward({ release, mark, nfacct, tcpBeLiberal }: IptablesSettings): string[] {
  const counted = atLeast(release, 31) && nfacct ? ' -m nfacct --nfacct-name  ct_state_invalid_dropped_pkts' : '';
  const invalid = `-A KUBE-FORWARD -m conntrack --ctstate INVALID${counted} -j DROP`;
  const known = (what: string) =>
    `-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack ${what}" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`;
  return [
    ...(atLeast(release, 29) && tcpBeLiberal ? [] : [invalid]),
    `-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark}/${mark} -j ACCEPT`,
    ...(atLeast(release, 23) ? [known('rule')] : [known('pod source rule'), known('pod destination rule')]),
  ];
}

function masquerading({ mark, randomFully }: IptablesSettings): string[] {
  return [
    `-A KUBE-MARK-MASQ -j MARK --set-xmark ${mark}/${mark}`,
    `-A KUBE-POSTROUTING -m mark ! --mark ${mark}/${mark} -j RETURN`,
    `-A KUBE-POSTROUTING -j MARK --set-xmark ${mark}/0x0`,
    `-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE${randomFully ? ' --random-fully' : ''}`,
  ];
}

/** The way from KUBE-SERVICES to KUBE-NODEPORTS, behind everything else. */
export function nodePortDispatch({ release, family, nodePorts }: IptablesSettings): string[] {
  const says = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"';
  if (nodePorts.addresses !== 'all')
    return nodePorts.addresses.map(
      (ip) => `-A KUBE-SERVICES -d ${ip}/${family === 4 ? 32 : 128} ${says} -j KUBE-NODEPORTS`,
    );
  const except = family === 6 ? '! -d ::1/128 ' : nodePorts.onLocalhost ? '' : '! -d 127.0.0.0/8 ';
  return [
    `-A KUBE-SERVICES ${atLeast(release, 26) ? except : ''}${says} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
  ];
}
