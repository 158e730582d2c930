import type { Selection } from '../selection.ts';
import type { ProxiedPort } from '../services.ts';
import { atLeast } from '../version.ts';
import { balance, endpointRules } from './endpoint-rules.ts';
import { Lines, wordsOf, type PortLines } from './lines.ts';
import { admitsNode, from } from './ports-1.25.ts';
import type { IptablesSettings } from './settings.ts';

/**
 * One service port in 1.20 to 1.23: external policy Local has its own chain KUBE-XLB, every load balancer has a chain KUBE-FW.
 * The marks for masquerading stand in the dispatch chains up to 1.21, in KUBE-SVC from 1.22 on.
 */
export function portLines(port: ProxiedPort, selection: Selection, settings: IptablesSettings): PortLines {
  const lines = new Lines();
  const words = wordsOf(port, settings);
  const { P, N, SVC, FW, XLB, host, local, localKnown, outsideFrom, outsideIn, REJECT } = words;
  const { filter, nat, chains } = lines;
  const { hasEndpoints } = selection;
  const onlyLocal = port.externalPolicyLocal;
  const X = onlyLocal ? XLB : SVC;
  const marksIn = (dispatch: string) => (atLeast(settings.release, 22) ? SVC : dispatch);
  const C = host(port.clusterIP);

  if (hasEndpoints) chains.push(SVC);
  // Made even where nothing leads there.
  if (onlyLocal) chains.push(XLB);

  if (hasEndpoints) {
    if (settings.masqueradeAll)
      nat.push(
        `-A ${marksIn('KUBE-SERVICES')} -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
      );
    else if (localKnown)
      nat.push(
        `-A ${marksIn('KUBE-SERVICES')} ${outsideFrom}-d ${C} ${outsideIn}-p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
      );
    nat.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${N} cluster IP" -m ${P} --dport ${port.port} -j ${SVC}`,
    );
  } else
    filter.push(
      `-A KUBE-SERVICES -d ${C} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
    );

  for (const ip of port.externalIPs) {
    const E = host(ip);
    if (!hasEndpoints) {
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${E} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
      );
      continue;
    }
    if (!atLeast(settings.release, 21)) {
      if (!onlyLocal)
        nat.push(
          `-A KUBE-SERVICES -d ${E} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
        );
      nat.push(
        `-A KUBE-SERVICES -d ${E} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j ${X}`,
        `-A KUBE-SERVICES -d ${E} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -m addrtype --dst-type LOCAL -j ${X}`,
      );
      continue;
    }
    if (!onlyLocal)
      nat.push(
        `-A ${marksIn('KUBE-SERVICES')} ${outsideFrom}-d ${E} ${outsideIn}-p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -j KUBE-MARK-MASQ`,
      );
    nat.push(
      `-A KUBE-SERVICES -d ${E} -p ${P} -m comment --comment "${N} external IP" -m ${P} --dport ${port.port} -j ${X}`,
    );
  }

  if (hasEndpoints && port.loadBalancerIPs.length > 0) chains.push(FW);
  for (const ip of port.loadBalancerIPs) {
    if (!hasEndpoints) {
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} has no endpoints" -m ${P} --dport ${port.port} -j ${REJECT}`,
      );
      continue;
    }
    nat.push(
      `-A KUBE-SERVICES -d ${host(ip)} -p ${P} -m comment --comment "${N} loadbalancer IP" -m ${P} --dport ${port.port} -j ${FW}`,
    );
    // Written again for each address, so that a load balancer with two of them has every rule twice.
    if (!onlyLocal) nat.push(`-A ${FW} -m comment --comment "${N} loadbalancer IP" -j KUBE-MARK-MASQ`);
    if (port.sourceRanges.length === 0) nat.push(`-A ${FW} -m comment --comment "${N} loadbalancer IP" -j ${X}`);
    for (const range of port.sourceRanges)
      nat.push(`-A ${FW} ${from(range)}-m comment --comment "${N} loadbalancer IP" -j ${X}`);
    if (admitsNode(port.sourceRanges, settings.nodeIP))
      nat.push(`-A ${FW} -s ${host(ip)} -m comment --comment "${N} loadbalancer IP" -j ${X}`);
    nat.push(`-A ${FW} -m comment --comment "${N} loadbalancer IP" -j KUBE-MARK-DROP`);
  }

  if (port.nodePort !== 0 && settings.nodePorts.someAddress) {
    const loopback = settings.family === 4 ? '127.0.0.0/8' : '::1/128';
    if (!hasEndpoints)
      filter.push(
        `-A KUBE-EXTERNAL-SERVICES -p ${P} -m comment --comment "${N} has no endpoints" -m addrtype --dst-type LOCAL -m ${P} --dport ${port.nodePort} -j ${REJECT}`,
      );
    else if (onlyLocal)
      nat.push(
        `-A KUBE-NODEPORTS -s ${loopback} -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j KUBE-MARK-MASQ`,
        `-A KUBE-NODEPORTS -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j ${XLB}`,
      );
    else
      nat.push(
        `-A ${marksIn('KUBE-NODEPORTS')} -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j KUBE-MARK-MASQ`,
        `-A KUBE-NODEPORTS -p ${P} -m comment --comment "${N}" -m ${P} --dport ${port.nodePort} -j ${SVC}`,
      );
  }
  if (port.healthCheckNodePort !== 0 && atLeast(settings.release, 21))
    filter.push(
      `-A KUBE-NODEPORTS -p tcp -m comment --comment "${N} health check node port" -m tcp --dport ${port.healthCheckNodePort} -j ACCEPT`,
    );
  // A slip of 1.20: where no address takes node ports, a Service with one gets no way to its endpoints at all.
  const slip = !atLeast(settings.release, 21) && port.nodePort !== 0 && !settings.nodePorts.someAddress;
  if (!hasEndpoints || slip) return lines;

  endpointRules(lines, port, selection.reachable, words, settings);
  const plain = { again: () => N, next: () => N };
  balance(lines, SVC, port, selection.cluster, settings, plain);
  if (!onlyLocal) return lines;

  if (localKnown)
    nat.push(
      `-A ${XLB} ${local}-m comment --comment "Redirect pods trying to reach external loadbalancer VIP to clusterIP" -j ${SVC}`,
    );
  nat.push(
    `-A ${XLB} -m comment --comment "masquerade LOCAL traffic for ${N} LB IP" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
    `-A ${XLB} -m comment --comment "route LOCAL traffic for ${N} LB IP to service chain" -m addrtype --src-type LOCAL -j ${SVC}`,
  );
  if (selection.local.length === 0)
    nat.push(`-A ${XLB} -m comment --comment "${N} has no local endpoints" -j KUBE-MARK-DROP`);
  const numbered = {
    again: () => N,
    next: (_: unknown, i: number) => `Balancing rule ${i} for ${N}`,
    always: true,
  };
  balance(lines, XLB, port, selection.local, settings, atLeast(settings.release, 23) ? plain : numbered);
  return lines;
}
