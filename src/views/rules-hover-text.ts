/** What a chain or an address in a dump is, as Markdown. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { parseAddress } from '../netfilter/address.ts';
import { podsAt, serviceNamed } from '../translation/directory.ts';
import { findWhat } from '../translation/whatis.ts';
import { bold, code, commandLink, escape } from './markdown.ts';
import type { Block, Outline } from './rules-outline.ts';
import { blockNamed } from './rules-outline.ts';
import { count, t } from './words.ts';

/** Kubernetes' own chains that belong to no Service. */
function known(name: string): string | undefined {
  switch (name) {
    case 'KUBE-SERVICES':
      return t('Finds the Service by VIP and port; ends with the node ports.');
    case 'KUBE-NODEPORTS':
      return t("Finds the Service by node port, on the node's own addresses.");
    case 'KUBE-EXTERNAL-SERVICES':
      return t('Refuses external addresses and node ports whose Service has no endpoint.');
    case 'KUBE-MARK-MASQ':
      return t('Marks the packet: its source will be rewritten to the node on its way out (KUBE-POSTROUTING).');
    case 'KUBE-MARK-DROP':
      return t('Marks the packet to be dropped in the filter table.');
    case 'KUBE-POSTROUTING':
      return t('Rewrites the source of marked packets to the node (masquerade).');
    case 'KUBE-FORWARD':
      return t('Lets marked packets and those of known connections be forwarded.');
    case 'KUBE-FIREWALL':
      return t('The kubelet drops what must not get in: marked packets, and foreign ones to 127.0.0.0/8.');
    case 'KUBE-PROXY-FIREWALL':
      return t("Drops what a load balancer's source ranges do not allow.");
    case 'KUBE-KUBELET-CANARY':
    case 'KUBE-PROXY-CANARY':
      return t('Empty on purpose: when it disappears, somebody has flushed the rules, and they are written again.');
    default:
      return undefined;
  }
}

const KINDS: readonly (readonly [RegExp, () => string])[] = [
  [/^KUBE-SEP-|^endpoint-/, () => t('One endpoint: rewrites the destination to it.')],
  [/^KUBE-SVC-|^service-/, () => t('A Service port: chooses one of all its endpoints.')],
  [/^KUBE-SVL-|^local-/, () => t('A Service port with policy Local: chooses one of the endpoints on this node.')],
  [/^KUBE-EXT-|^external-/, () => t('A Service port from outside: external IP, load balancer IP or node port.')],
  [/^KUBE-FW-|^firewall-/, () => t("A load balancer's source ranges: who may come in.")],
  [/^KUBE-XLB-/, () => t('A Service port from outside with policy Local (until 1.23).')],
];

/** The Service port that a chain speaks of: from nft's names, else from the comments of its rules, or of the rules that lead to it. */
export function servicePortOf(name: string, block: Block | undefined, lines: readonly string[]): string | undefined {
  const nft =
    /^(?:service|local|external|firewall|endpoint|affinity)-[A-Z2-7]{8}-([^/]+)\/([^/]+)\/[a-z]+\/([^_]*)/.exec(name);
  if (nft) return `${nft[1]!}/${nft[2]!}${nft[3] ? `:${nft[3].replace(/\/$/, '')}` : ''}`;
  if (!/^KUBE-(SEP|SVC|SVL|EXT|FW|XLB)-/.test(name)) return undefined;
  const own = block ? lines.slice(block.first, block.last + 1) : [];
  for (const line of [...own, ...lines.filter((text) => text.includes(` ${name}`))]) {
    const comment = /--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/.exec(line);
    const label = /(?:^|\s)([a-z0-9][a-z0-9.-]*\/[a-z0-9][a-z0-9.-]*(?::[a-z0-9-]+)?)(?=\s|$)/.exec(
      comment?.[1] ?? comment?.[2] ?? '',
    );
    if (label) return label[1];
  }
  return undefined;
}

/** Where a chain of one endpoint sends: "10.244.0.1:8080". */
function endpointOf(block: Block | undefined, lines: readonly string[]): string | undefined {
  for (const line of block ? lines.slice(block.first, block.last + 1) : []) {
    const to = /--to-destination (\S+)|dnat (?:ip6? )?to (\S+)/.exec(line);
    if (to) return to[1] ?? to[2];
  }
  return undefined;
}

/** Who has the address of an endpoint now: pod's name, or undefined. */
function podOf(endpoint: string, objects: ClusterObjects | undefined): string | undefined {
  const address =
    /^\[(.+)\]/.exec(endpoint)?.[1] ?? (parseAddress(endpoint) ? endpoint : endpoint.replace(/:\d+$/, ''));
  const pod = objects && podsAt(objects, address)[0];
  return pod && `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
}

/** Markdown, or undefined where there is nothing to say. `objects` are the cluster's that the dump is from, where it is known. */
export function rulesHoverText(
  name: string,
  line: number,
  lines: readonly string[],
  outline: Outline,
  objects: ClusterObjects | undefined,
): string | undefined {
  const block = blockNamed(outline, name, line);
  if (block) return blockText(block, lines, objects);
  if (objects && (parseAddress(name.replace(/\/\d+$/, '')) || /^[\d.]+:\d+$/.test(name))) {
    const found = findWhat(objects, name.replace(/\/(32|128)$/, ''), 4);
    if (found.length > 0) return found.map(({ title, why }) => `${bold(title)}: ${escape(why)}`).join('\n\n');
  }
  return undefined;
}

function blockText(block: Block, lines: readonly string[], objects: ClusterObjects | undefined): string {
  const { name } = block;
  const parts = [code(name)];
  const kind = known(name) ?? KINDS.find(([pattern]) => pattern.test(name))?.[1]();
  if (kind) parts.push(escape(kind));
  const port = servicePortOf(name, block, lines);
  if (port) {
    const key = port.replace(/:.*/, '');
    const there = objects === undefined || serviceNamed(objects, key) !== undefined;
    const link = objects && there ? ` · ${commandLink(t('Diagram'), 'serviceTraffic.showDiagram', key)}` : '';
    parts.push(`$(plug) ${bold(port)}${there ? '' : ` (${escape(t('no such Service in the cluster'))})`}${link}`);
  }
  const endpoint = /^(KUBE-SEP-|endpoint-)/.test(name) ? endpointOf(block, lines) : undefined;
  if (endpoint) {
    const pod = podOf(endpoint, objects);
    const whose = pod ? bold(pod) : objects ? escape(t('no pod has that address now')) : '';
    parts.push(`$(arrow-right) ${code(endpoint)} ${whose}`);
  }
  const facts = [
    block.kind === 'chain' ? count(block.rules, '{0} rule', '{0} rules') : block.kind,
    block.policy && t('policy {0}', block.policy),
  ];
  parts.push(escape(facts.filter((fact) => fact).join(' · ')));
  return parts.join('\n\n');
}
