/**
 * The findings that there are: codes that stay, severities, words. A retired code is never given again; its line stays as a
 * comment. Placeholders in braces are filled by findings.ts; views translate the templates, so each is a whole sentence.
 */

import type { EndpointDifference } from './consequence.ts';

export type Severity = 'error' | 'warning' | 'info';

interface Entry {
  readonly code: string;
  readonly severity: Severity;
  /** What is so, in one sentence, with its consequence. */
  readonly message: string;
  /** What to do next, in one sentence. */
  readonly advice: string;
}

/** 1xx: the API's objects. 2xx: a node and what could be read of it. 3xx: the node's rules against the API. */
export const CATALOGUE = {
  'selector-label': {
    code: 'ST101',
    severity: 'error',
    message: '{service} has no endpoints: no pod in {namespace} has {wanted}; {count} pods have {has}.',
    advice: 'Change {wanted} to {has} in the selector of {service}, or label the pods.',
  },
  'selector-too-much': {
    code: 'ST101',
    severity: 'error',
    message: '{service} has no endpoints: {count} pods in {namespace} match all of its selector but {wanted}.',
    advice: 'Take {wanted} out of the selector of {service}, or label the pods with it.',
  },
  'selector-namespace': {
    code: 'ST101',
    severity: 'error',
    message:
      '{service} has no endpoints: no pod in {namespace} has {selector}; {count} pods in {other} have, but a Service selects in its own namespace alone.',
    advice: 'Move {service} to {other}, or the pods to {namespace}.',
  },
  'selector-nothing': {
    code: 'ST101',
    severity: 'error',
    message: '{service} has no endpoints: no pod in {namespace} has {selector}.',
    advice: 'Start the pods, or change the selector of {service} to labels that they have.',
  },
  'no-named-port': {
    code: 'ST102',
    severity: 'error',
    message:
      '{service}: no container of its {count} pods has a {protocol} port named "{target}", so port {port} has no endpoints; they have {has}.',
    advice: 'Use one of these names as targetPort, or the port number.',
  },
  'some-without-named-port': {
    code: 'ST102',
    severity: 'warning',
    message:
      '{service}: {count} of its {total} pods have no {protocol} port named "{target}" and get nothing of port {port}.',
    advice: 'Name the port in those pods ({pods}), or use the port number as targetPort.',
  },
  'none-ready': {
    code: 'ST103',
    severity: 'error',
    message: '{service} has no ready endpoint: none of its {total} pods is ready: {why}.',
    advice: "Look at the pods' events and readiness probes: kubectl -n {namespace} describe pod {pod}.",
  },
  'some-not-ready': {
    code: 'ST104',
    severity: 'warning',
    message: '{service}: {count} of {total} pods are not ready and get no traffic: {pods}: {why}.',
    advice: "Look at the pods' events and readiness probes: kubectl -n {namespace} describe pod {pod}.",
  },
  'no-endpoints-by-hand': {
    code: 'ST105',
    severity: 'warning',
    message: '{service} has neither a selector nor endpoints of its own: connections to it are rejected.',
    advice: 'Give it a selector, or an EndpointSlice with the label kubernetes.io/service-name={name}.',
  },
  'no-slice-yet': {
    code: 'ST106',
    severity: 'error',
    message:
      '{service}: {count} pods match its selector, but no EndpointSlice says so: the endpoints controller is behind or stopped.',
    advice: 'Look at kube-controller-manager: it writes the EndpointSlices.',
  },
  'ranges-of-other-family': {
    code: 'ST107',
    severity: 'warning',
    message:
      '{service}: loadBalancerSourceRanges has no {family} range, so its {family} load balancer address {address} is open to everybody.',
    advice: 'Add the {family} ranges that may reach it.',
  },

  'proxy-missing': {
    code: 'ST201',
    severity: 'error',
    message: '{node} has no kube-proxy pod, while {count} other nodes have: nothing keeps its rules up to date.',
    advice: 'Look at the DaemonSet of kube-proxy, and at taints of {node} that it does not tolerate.',
  },
  'proxy-not-running': {
    code: 'ST201',
    severity: 'error',
    message: 'kube-proxy is not running on {node} ({pod}: {why}): its rules stay as they were.',
    advice: 'Look at its log: kubectl -n {namespace} logs {pod} --previous.',
  },
  'proxy-behind': {
    code: 'ST202',
    severity: 'error',
    message:
      'kube-proxy on {node} has not written since {since} at the latest: a change of then, of {what}, is not in its rules, while the API calls its pod {pod} ready.',
    advice: 'Look at its log, and restart it: kubectl -n {namespace} delete pod {pod}.',
  },
  'not-captured': {
    code: 'ST203',
    severity: 'info',
    message: 'The rules of {node} have not been read.',
    advice: "Read them: Service Traffic: Read the Nodes' Rules.",
  },
  'capture-failed': {
    code: 'ST203',
    severity: 'warning',
    message: 'The rules of {node} could not be read: {why}',
    advice: '{advice}',
  },
  truncated: {
    code: 'ST204',
    severity: 'error',
    message:
      '{dump} of {node} is cut off: it ends {where}. What it lacks is not known, so nothing of it is called missing.',
    advice:
      'Read the rules of {node} again; if it is cut off again, look at the memory limit of the pod that prints it.',
  },
  unreadable: {
    code: 'ST205',
    severity: 'error',
    message:
      '{node} has rules that cannot be read ({count}), the first in line {line} of {dump}: {rule}. What they do to a packet is not known.',
    advice:
      'Print the rules with the iptables version that wrote them ({node} has another one than its kube-proxy image).',
  },
  'both-backends': {
    code: 'ST206',
    severity: 'warning',
    message:
      '{node} holds rules of kube-proxy in two places ({family}): those of {first} decide {firstWins}, those of {second} decide {secondWins}.',
    advice:
      'kube-proxy keeps those of {first} up to date. Remove the others: flush the KUBE chains of {second}, or restart the node.',
  },
  leftover: {
    code: 'ST207',
    severity: 'info',
    message:
      '{node} still holds rules of kube-proxy in {where} ({family}), left by an earlier mode or backend. They change no packet.',
    advice: 'Nothing has to be done; kube-proxy --cleanup or a restart of the node removes them.',
  },
  'leftover-acts': {
    code: 'ST207',
    severity: 'warning',
    message:
      '{node} still holds rules of kube-proxy in {where} ({family}), left by an earlier mode or backend, and they act on {count} Service ports: {consequence}.',
    advice: 'Remove them: kube-proxy --cleanup, or a restart of the node.',
  },
  'no-kube-proxy': {
    code: 'ST208',
    severity: 'info',
    message:
      '{node} has no rules of kube-proxy: something else serves its Services (Cilium, OVN-Kubernetes, Calico in eBPF mode), or kube-proxy has never run.',
    advice: 'Look at what the network plugin does with Services; these rules cannot show it.',
  },
  ipvs: {
    code: 'ST209',
    severity: 'info',
    message: 'kube-proxy on {node} runs in IPVS mode: what it should have programmed is not computed.',
    advice: 'IPVS mode is deprecated since 1.35; nftables mode replaces it.',
  },
  'release-unknown': {
    code: 'ST210',
    severity: 'info',
    message: 'The release of kube-proxy on {node} is not certain: {guess}.',
    advice:
      'Its rules may differ from those of another release. The image of its pod and the kubelet’s version on the Node tell: see that both may be read.',
  },

  'not-comparable': {
    code: 'ST211',
    severity: 'warning',
    message: '{node} runs kube-proxy in nftables mode, but there is no whole listing of its rules to compare.',
    advice: 'Read them again: nft list ruleset, or nft -j list ruleset.',
  },
  'syncs-fail': {
    code: 'ST212',
    severity: 'error',
    message:
      'kube-proxy on {node} fails to write its rules: {count} syncs have failed since its start, and what it learned at {since} is not written.',
    advice: 'Its log has the error: kubectl -n {namespace} logs {pod}.',
  },
  'zone-missed': {
    code: 'ST213',
    severity: 'error',
    message: 'kube-proxy on {node} writes as if the node had no zone: it heeds no topology hints of {services}.',
    advice:
      'Since 1.34 kube-proxy may miss its node’s labels when it starts. Restart it: kubectl -n {namespace} delete pod {pod}.',
  },

  drift: {
    code: 'ST301',
    severity: 'error',
    message: '{service} on {node}: {consequence}.',
    advice: 'kube-proxy on {node} has not written what the API says: look at its log, then restart its pod.',
  },
  'more-drift': {
    code: 'ST301',
    severity: 'error',
    message: '{node}: {count} more Service ports have drifted: {services}.',
    advice: 'kube-proxy on {node} has not written what the API says: look at its log, then restart its pod.',
  },
  'node-drift': {
    code: 'ST302',
    severity: 'error',
    message: "{node}'s rules that all Services share are wrong: {consequence}.",
    advice: 'kube-proxy writes them again when it starts: restart its pod on {node}.',
  },
  pending: {
    code: 'ST303',
    severity: 'info',
    message:
      '{service} on {node}: a change {age} old when the rules were read is not programmed yet; kube-proxy may take {due}.',
    advice: 'Read the rules again in a moment.',
  },
  'read-before-change': {
    code: 'ST303',
    severity: 'info',
    message: '{service} on {node}: it has changed since the rules were read.',
    advice: 'Read the rules again.',
  },
  'differs-harmlessly': {
    code: 'ST304',
    severity: 'info',
    message: '{node}: {what} differ from what kube-proxy writes, but no packet is treated differently.',
    advice: 'Nothing has to be done.',
  },
} as const satisfies Record<string, Entry>;

export type FindingName = keyof typeof CATALOGUE;

type PlaceholdersOf<T extends string> = T extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholdersOf<Rest>
  : never;

/** The arguments that a finding's words need. */
export type Arguments<N extends FindingName> = Readonly<
  Record<PlaceholdersOf<(typeof CATALOGUE)[N]['message'] | (typeof CATALOGUE)[N]['advice']>, string>
>;

/** What a finding is about; each is absent where it is about no such thing. */
export interface Subject {
  /** "namespace/name". */
  readonly service?: string;
  /** The Service port: "http", or "80/TCP" where it has no name. */
  readonly port?: string;
  readonly node?: string;
}

/** A rule behind a finding: one that should be there, one that should not, one that stands in the wrong place. */
export interface RuleEvidence {
  readonly kind: 'missing' | 'extra' | 'moved';
  /** "nat", "ip kube-proxy". */
  readonly table: string;
  /** The chain, set or map. */
  readonly chain: string;
  readonly rule: string;
  /** The dump that has the chain, and the rule's line in it, from 1, where the node has the rule. */
  readonly dump?: string;
  readonly line?: number;
}

/** What a finding of drift rests on. */
export interface Evidence {
  /** Sentences, each for the ways in and clients that it names. */
  readonly consequences: readonly string[];
  readonly endpoints: readonly EndpointDifference[];
  readonly rules: readonly RuleEvidence[];
}

export interface Finding extends Subject {
  /** "ST101": stays the same over releases. */
  readonly code: string;
  readonly name: FindingName;
  readonly severity: Severity;
  readonly message: string;
  readonly advice: string;
  readonly evidence?: Evidence;
  /** The words before they were filled, for translation. */
  readonly template: {
    readonly message: string;
    readonly advice: string;
    readonly arguments: Readonly<Record<string, string>>;
  };
}

export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

export function finding<N extends FindingName>(
  name: N,
  subject: Subject,
  values: Arguments<N>,
  evidence?: Evidence,
): Finding {
  const { code, severity, message, advice }: Entry = CATALOGUE[name];
  return {
    code,
    name,
    severity,
    ...subject,
    message: fill(message, values),
    advice: fill(advice, values),
    ...(evidence && { evidence }),
    template: { message, advice, arguments: values },
  };
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/** Trouble first, then by code, Service and node. */
export function byTrouble(a: Finding, b: Finding): number {
  return (
    ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) ||
    compare(a.code, b.code) ||
    compare(a.service ?? '', b.service ?? '') ||
    compare(a.node ?? '', b.node ?? '')
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
