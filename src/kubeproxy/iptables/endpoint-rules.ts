import type { ProxiedEndpoint } from '../endpoints.ts';
import type { ProxiedPort } from '../services.ts';
import { endpointChain, type Lines, type PortWords } from './lines.ts';
import { probability } from './probability.ts';
import type { IptablesSettings } from './settings.ts';

function comment(text: string): string {
  return `-m comment --comment "${text}" `;
}

/** KUBE-SEP-…, one for each endpoint: masquerade where a pod meets itself, then DNAT. */
export function endpointRules(
  lines: Lines,
  port: ProxiedPort,
  endpoints: readonly ProxiedEndpoint[],
  { P, N, host }: PortWords,
  settings: IptablesSettings,
): void {
  const says = settings.large ? '' : comment(N);
  for (const endpoint of endpoints) {
    const SEP = endpointChain(port, endpoint);
    const remember = port.affinitySeconds === undefined ? '' : `-m recent --set --name ${SEP} ${everyBit(settings)} `;
    const to = settings.family === 4 ? `${endpoint.ip}:${endpoint.port}` : `[${endpoint.ip}]:${endpoint.port}`;
    lines.chains.push(SEP);
    lines.nat.push(
      `-A ${SEP} -s ${host(endpoint.ip)} ${says}-j KUBE-MARK-MASQ`,
      `-A ${SEP} -p ${P} ${says}${remember}-m ${P} -j DNAT --to-destination ${to}`,
    );
  }
}

/** What the comments of the rules to endpoints say. */
export interface BalanceComments {
  readonly again: (endpoint: ProxiedEndpoint) => string;
  readonly next: (endpoint: ProxiedEndpoint, i: number) => string;
  /** Even where there are very many endpoints: those rules have no comments else. */
  readonly always?: boolean;
}

/** From a chain of the service port to its endpoints: first where the client was before, then by chance. */
export function balance(
  lines: Lines,
  chain: string,
  port: ProxiedPort,
  endpoints: readonly ProxiedEndpoint[],
  settings: IptablesSettings,
  says: BalanceComments,
): void {
  const n = endpoints.length;
  const written = settings.large && says.always !== true ? () => '' : comment;
  if (port.affinitySeconds !== undefined)
    for (const endpoint of endpoints) {
      const SEP = endpointChain(port, endpoint);
      const recent = `-m recent --rcheck --seconds ${port.affinitySeconds} --reap --name ${SEP} ${everyBit(settings)}`;
      lines.nat.push(`-A ${chain} ${written(says.again(endpoint))}${recent} -j ${SEP}`);
    }
  for (const [i, endpoint] of endpoints.entries()) {
    const chance = i < n - 1 ? `-m statistic --mode random --probability ${probability(n - i)} ` : '';
    lines.nat.push(`-A ${chain} ${written(says.next(endpoint, i))}${chance}-j ${endpointChain(port, endpoint)}`);
  }
}

/** Since 1.24 the comment of a rule to an endpoint names it. */
export function arrow(N: string): BalanceComments {
  const text = (endpoint: ProxiedEndpoint) => `${N} -> ${endpoint.text}`;
  return { again: text, next: text };
}

/** `-m recent` compares the whole source address. */
function everyBit({ family }: IptablesSettings): string {
  return family === 4 ? '--mask 255.255.255.255 --rsource' : '--mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource';
}
