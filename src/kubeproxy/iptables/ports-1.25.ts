import { contains, parseAddress, parsePrefix } from '../../netfilter/address.ts';
import type { Selection } from '../selection.ts';
import type { ProxiedPort } from '../services.ts';
import { atLeast } from '../version.ts';
import { arrow, balance, endpointRules } from './endpoint-rules.ts';
import { Lines, wordsOf, type PortLines } from './lines.ts';
import type { IptablesSettings } from './settings.ts';

/** One service port in 1.25 and newer: what has no endpoint for a packet is refused or dropped in table filter. */
export function portLines(port: ProxiedPort, selection: Selection, settings: IptablesSettings): PortLines {
  const lines = new Lines();
  const words = wordsOf(port, settings);
  const { P, N, SVC, SVL, EXT, FW, host, local, localKnown, outsideFrom, outsideIn, REJECT } = words;
  const { filter, nat, chains } = lines;
  const { cluster, local: localEndpoints, hasEndpoints } = selection;
  const hasInternal = hasEndpoints && !(port.internalPolicyLocal && localEndpoints.length === 0);
  const hasExternal = hasEndpoints && !(port.externalPolicyLocal && localEndpoints.length === 0);
  const noEndpoints = hasEndpoints ? `${N} has no local endpoints` : `${N} has no endpoints`;
  const refuse = hasEndpoints ? 'DROP' : REJECT;
  const C = host(port.clusterIP);
  const T = port.internalPolicyLocal ? SVL : SVC;
  const hasFirewall = hasEndpoints && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0;
  const toLoadBalancer = hasFirewall ? FW : EXT;

  if (hasInternal)
    nat.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j ${T}`,
    );
  else
    filter.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${noEndpoints}" -m ${P} --dport ${port.port} -j ${refuse}`,
    );

  for (const ip of port.externalIPs) {
    if (hasEndpoints)
      nat.push(
        `-A KUBE-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -j ${EXT}`,
      );
    if (!hasExternal)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${noEndpoints}" -m ${P} --dport ${port.port} -j ${refuse}`,
      );
  }
  for (const ip of port.loadBalancerIPs) {
    if (hasEndpoints)
      nat.push(
        `-A KUBE-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} loadbalancer IP" -m ${P} --dport ${port.port} -j ${toLoadBalancer}`,
      );
    if (hasFirewall)
      filter.push(
        `-A KUBE-PROXY-FIREWALL -d ${host(ip)} -p ${P} -m comment --comment "${N} traffic not accepted by ${FW}" -m ${P} --dport ${port.port} -j DROP`,
      );
  }
  if (!hasExternal)
    for (const ip of port.loadBalancerIPs)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${noEndpoints}" -m ${P} --dport ${port.port} -j ${refuse}`,
      );

  // Up to 1.26 a node none of whose addresses is in nodePortAddresses had no rule for node ports at all.
  if (port.nodePort !== 0 && (atLeast(settings.release, 27) || settings.nodePorts.someAddress)) {
    if (hasEndpoints && atLeast(settings.release, 31) && settings.nfacct && settings.nodePorts.onLocalhost)
      nat.push(
        `-A KUBE-NODEPORTS -d 127.0.0.0/8 -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -m nfacct --nfacct-name  localhost_nps_accepted_pkts -j ${EXT}`,
      );
    if (hasEndpoints)
      nat.push(`-A KUBE-NODEPORTS -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j ${EXT}`);
    if (!hasExternal)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -p ${P} -m comment --comment "${noEndpoints}" -m addrtype --dst-type LOCAL -m ${P} --dport ${port.nodePort} -j ${refuse}`,
      );
  }
  if (port.healthCheckNodePort !== 0)
    filter.push(
      `-A KUBE-NODEPORTS -p tcp -m comment --comment "${N} health check node port" -m tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    );

  if (hasInternal && settings.masqueradeAll)
    nat.push(
      `-A ${T} -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
    );
  else if (hasInternal && localKnown)
    nat.push(
      `-A ${T} ${outsideFrom}-d ${C} ${outsideIn}-p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
    );

  if (hasEndpoints && port.externallyAccessible) {
    chains.push(EXT);
    if (!port.externalPolicyLocal)
      nat.push(`-A ${EXT} -m comment --comment "masquerade traffic for ${N} external destinations" -j KUBE-MARK-MASQ`);
    else {
      if (localKnown)
        nat.push(`-A ${EXT} ${local}-m comment --comment "pod traffic for ${N} external destinations" -j ${SVC}`);
      nat.push(
        `-A ${EXT} -m comment --comment "masquerade LOCAL traffic for ${N} external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
        `-A ${EXT} -m comment --comment "route LOCAL traffic for ${N} external destinations" -m addrtype --src-type LOCAL -j ${SVC}`,
      );
    }
    if (hasExternal) nat.push(`-A ${EXT} -j ${port.externalPolicyLocal ? SVL : SVC}`);
  }
  if (hasFirewall) {
    chains.push(FW);
    for (const range of port.sourceRanges)
      nat.push(`-A ${FW} ${from(range)}-m comment --comment "${N} loadbalancer IP" -j ${EXT}`);
    if (admitsNode(port.sourceRanges, settings.nodeIP))
      for (const ip of port.loadBalancerIPs)
        nat.push(`-A ${FW} -s ${host(ip)} -m comment --comment "${N} loadbalancer IP" -j ${EXT}`);
    if (atLeast(settings.release, 27))
      nat.push(`-A ${FW} -m comment --comment "other traffic to ${N} will be dropped by KUBE-PROXY-FIREWALL"`);
  }
  if (cluster.length > 0) {
    chains.push(SVC);
    balance(lines, SVC, port, cluster, settings, arrow(N));
  }
  if (localEndpoints.length > 0) {
    chains.push(SVL);
    balance(lines, SVL, port, localEndpoints, settings, arrow(N));
  }
  endpointRules(lines, port, selection.reachable, words, settings);
  return lines;
}

/** iptables does not print a source that is every address. */
export function from(range: string): string {
  return range.endsWith('/0') ? '' : `-s ${range} `;
}

/** A range that holds the node's own address: the load balancer's addresses may then be the source, too. */
export function admitsNode(ranges: readonly string[], nodeIP: string): boolean {
  const address = parseAddress(nodeIP);
  return address !== undefined && ranges.some((range) => contains(parsePrefix(range)!, address));
}
