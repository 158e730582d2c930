import type { Selection } from '../selection.ts';
import type { ProxiedPort } from '../services.ts';
import { arrow, balance, endpointRules } from './endpoint-rules.ts';
import { Lines, wordsOf, type PortLines } from './lines.ts';
import { admitsNode, from } from './ports-1.25.ts';
import type { IptablesSettings } from './settings.ts';

/** One service port in 1.24, which has the chains of later releases but still drops by KUBE-MARK-DROP. */
export function portLines(port: ProxiedPort, selection: Selection, settings: IptablesSettings): PortLines {
  const lines = new Lines();
  const words = wordsOf(port, settings);
  const { P, N, SVC, SVL, EXT, FW, host, local, localKnown, outsideFrom, outsideIn, REJECT } = words;
  const { filter, nat, chains } = lines;
  const { cluster, local: localEndpoints, hasEndpoints } = selection;
  const usesCluster = !port.internalPolicyLocal || port.externallyAccessible;
  const usesLocal = port.internalPolicyLocal || (port.externalPolicyLocal && port.externallyAccessible);
  const C = host(port.clusterIP);
  const T = port.internalPolicyLocal ? SVL : SVC;

  endpointRules(lines, port, selection.reachable, words, settings);
  if (hasEndpoints && usesCluster) chains.push(SVC);
  if (hasEndpoints && usesLocal) chains.push(SVL);
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
    nat.push(`-A ${EXT} -j ${port.externalPolicyLocal ? SVL : SVC}`);
  }

  if (hasEndpoints) {
    if (settings.masqueradeAll)
      nat.push(
        `-A ${T} -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
      );
    else if (localKnown)
      nat.push(
        `-A ${T} ${outsideFrom}-d ${C} ${outsideIn}-p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
      );
    nat.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j ${T}`,
    );
  } else
    filter.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
    );

  for (const ip of port.externalIPs)
    if (hasEndpoints)
      nat.push(
        `-A KUBE-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -j ${EXT}`,
      );
    else
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
      );

  const hasFirewall = hasEndpoints && port.loadBalancerIPs.length > 0 && port.sourceRanges.length > 0;
  if (hasFirewall) chains.push(FW);
  for (const ip of port.loadBalancerIPs) {
    if (!hasEndpoints) {
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
      );
      continue;
    }
    nat.push(
      `-A KUBE-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} loadbalancer IP" -m ${P} --dport ${port.port} -j ${hasFirewall ? FW : EXT}`,
    );
    if (!hasFirewall) continue;
    // Written again for each address, so that a load balancer with two of them has every rule twice.
    for (const range of port.sourceRanges)
      nat.push(`-A ${FW} ${from(range)}-m comment --comment "${N} loadbalancer IP" -j ${EXT}`);
    if (admitsNode(port.sourceRanges, settings.nodeIP))
      nat.push(`-A ${FW} -s ${host(ip)} -m comment --comment "${N} loadbalancer IP" -j ${EXT}`);
    nat.push(`-A ${FW} -m comment --comment "${N} loadbalancer IP" -j KUBE-MARK-DROP`);
  }

  if (port.nodePort !== 0 && settings.nodePorts.someAddress) {
    if (hasEndpoints)
      nat.push(`-A KUBE-NODEPORTS -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j ${EXT}`);
    else
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -p ${P} -m comment --comment "${N} has no endpoints" -m addrtype --dst-type LOCAL -m ${P} --dport ${port.nodePort} -j ${REJECT}`,
      );
  }
  if (port.healthCheckNodePort !== 0)
    filter.push(
      `-A KUBE-NODEPORTS -p tcp -m comment --comment "${N} health check node port" -m tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    );

  if (usesCluster) balance(lines, SVC, port, cluster, settings, arrow(N));
  if (usesLocal && localEndpoints.length > 0) balance(lines, SVL, port, localEndpoints, settings, arrow(N));
  else if (usesLocal && hasEndpoints)
    nat.push(`-A ${SVL} -m comment --comment "${N} has no local endpoints" -j KUBE-MARK-DROP`);
  return lines;
}
