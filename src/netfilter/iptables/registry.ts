import type { MatchModule, TargetModule } from './module.ts';
import { addrtype, iprange, physdev, pkttype, rpfilter } from './matches/addresses.ts';
import { connmark, conntrack, helper, mark, state } from './matches/connections.ts';
import { connlimit, limit, recent, set, statistic } from './matches/lists.ts';
import { multiport } from './matches/ports.ts';
import { absent, ecn, icmp, icmp6, sctp, tcp, tcpmss, udp } from './matches/protocols.ts';
import { asked, dscp, length, mac, nothing, owner, socket } from './matches/unknown.ts';
import * as marks from './targets/marks.ts';
import * as nat from './targets/nat.ts';
import { hmark, passive, set as setTarget, tos } from './targets/other.ts';
import { accept, drop, queue, reject, returns, synproxy, tproxy } from './targets/verdicts.ts';

/** Every match that is known, in the order of the documentation. */
export const MATCH_MODULES: readonly MatchModule[] = [
  tcp,
  udp,
  sctp,
  icmp,
  icmp6,
  multiport,
  absent,
  ecn,
  tcpmss,
  iprange,
  addrtype,
  pkttype,
  physdev,
  rpfilter,
  mac,
  mark,
  connmark,
  conntrack,
  state,
  helper,
  statistic,
  set,
  recent,
  limit,
  connlimit,
  owner,
  socket,
  length,
  dscp,
  nothing,
  asked,
];

export const TARGET_MODULES: readonly TargetModule[] = [
  accept,
  drop,
  reject,
  returns,
  nat.dnat,
  nat.snat,
  nat.masquerade,
  nat.redirect,
  nat.netmap,
  marks.mark,
  marks.connmark,
  marks.ct,
  passive,
  tos,
  setTarget,
  queue,
  tproxy,
  synproxy,
  hmark,
];

const matches = new Map(MATCH_MODULES.flatMap((module) => module.names.map((name) => [name, module] as const)));
const targets = new Map(TARGET_MODULES.flatMap((module) => module.names.map((name) => [name, module] as const)));

export function matchModule(name: string): MatchModule | undefined {
  return matches.get(name);
}

export function targetModule(name: string): TargetModule | undefined {
  return targets.get(name);
}
