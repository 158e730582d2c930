/** Where an outcome ends, in the words of the cluster: an endpoint, a stranger, nowhere, and whether that is as it should be. */
import { formatAddress } from '../netfilter/address.ts';
import type { Outcome } from '../netfilter/outcome.ts';
import type { Question } from './answer.ts';
import { sourceRanges } from './clients.ts';
import { decider, diversion, lastStep } from './decider.ts';
import { nodeAt, podsAt } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import { notReadyWords } from './expectation.ts';
import type { Expectation } from './expectation.ts';
import type { End, EndpointView } from './story.ts';
import type { TracedNode } from './traced-node.ts';
import { lostWords, staysHere, untakenWords } from './untaken.ts';

export interface Ending {
  readonly end: End;
  readonly wrong?: string;
}

export function endsOf(
  question: Question,
  traced: TracedNode & { readonly kind: 'read' },
  expected: Expectation,
): (outcome: Outcome) => Ending {
  const endpoints = new Map<string, EndpointView>();
  for (const endpoint of question.port.endpoints)
    endpoints.set(addressAndPort(endpoint.address, endpoint.port), endpoint);
  return (outcome) => {
    if (question.client === 'ping' && !outcome.translated) return pinged(question, traced, outcome);
    if (outcome.verdict === 'reject') return rejected(question, expected, outcome);
    if (outcome.verdict === 'drop') return dropped(question, expected, outcome);
    const address = formatAddress(outcome.destination);
    if (!outcome.translated) return untranslated(question, traced, expected, outcome, address);
    const endpoint = endpoints.get(addressAndPort(address, outcome.destinationPort));
    if (endpoint) return reached(question, expected, endpoint);
    return stranger(question, address, outcome.destinationPort);
  };
}

function reached(question: Question, expected: Expectation, endpoint: EndpointView): Ending {
  const end: End = { kind: 'endpoint', endpoint };
  const why = expected.leftOut.get(endpoint);
  if (why === undefined) return { end };
  if (question.client === 'outside-refused') return { end, wrong: 'lets in a client that is in no source range' };
  if (!endpoint.conditions.ready) return { end, wrong: `${notReadyWords(endpoint)}, and this node still sends to it` };
  return { end, wrong: `should get none: ${why}` };
}

function stranger(question: Question, address: string, port: number | undefined): Ending {
  const now = whoHas(question, address);
  const { key } = question.story;
  const end: End = {
    kind: 'stranger',
    address,
    ...(port !== undefined && { port }),
    ...(now !== undefined && { now }),
  };
  return {
    end,
    wrong: now === undefined ? `no endpoint of ${key}, and no pod has that address` : `no endpoint of ${key}`,
  };
}

/** Whose address it is: a pod's name, with its namespace where that is another one. */
function whoHas(question: Question, address: string): string | undefined {
  const { objects, story } = question;
  const [pod] = podsAt(objects, address);
  if (pod && !pod.spec?.hostNetwork) {
    const { name, namespace } = pod.metadata;
    return namespace === story.service.metadata.namespace ? name : `${namespace ?? ''}/${name}`;
  }
  return nodeAt(objects, address)?.metadata.name;
}

/** No answer to a ping is as it should be: in no mode does kube-proxy take one. */
function pinged(question: Question, traced: TracedNode & { readonly kind: 'read' }, outcome: Outcome): Ending {
  const why = untakenWords([question.story.service], traced, { protocol: 'icmp' }, outcome);
  if (outcome.verdict === 'reject')
    return { end: { kind: 'reject', with: outcome.rejectWith ?? 'icmp-port-unreachable', why } };
  if (outcome.verdict === 'drop') return { end: { kind: 'drop', why } };
  return { end: { kind: 'untranslated', address: formatAddress(outcome.destination), why } };
}

function rejected(question: Question, expected: Expectation, outcome: Outcome): Ending {
  const kind = outcome.rejectWith ?? 'icmp-port-unreachable';
  const none = question.port.endpoints.length === 0 ? 'it has no endpoints' : 'none of its endpoints is ready';
  if (expected.otherwise.has('reject')) return { end: { kind: 'reject', with: kind, why: `refused at once: ${none}` } };
  return {
    end: { kind: 'reject', with: kind, why: `refused at once by ${decider(outcome)}` },
    wrong: `refused${though(expected)}`,
  };
}

function dropped(question: Question, expected: Expectation, outcome: Outcome): Ending {
  const { way, client } = question;
  const { service } = question.story;
  const meant = expected.otherwise.has('drop');
  const words = (why: string): End => ({ kind: 'drop', why: `dropped without a word${why}` });
  const ranges = way.kind === 'loadBalancerIP' && sourceRanges(service, way.family).length > 0;
  if (meant && (client === 'outside-refused' || (ranges && byFirewall(outcome))))
    return { end: words(': the source is in none of the source ranges') };
  if (meant && expected.policy)
    return { end: words(`: ${expected.policy} is Local, and this node has no ready endpoint`) };
  const end = words(` by ${decider(outcome)}`);
  return meant ? { end } : { end, wrong: `dropped${though(expected)}` };
}

function though({ chosen }: Expectation): string {
  if (chosen.size === 0) return ', which it should not be';
  return chosen.size === 1 ? ', though 1 endpoint is ready' : `, though ${chosen.size} endpoints are ready`;
}

function byFirewall(outcome: Outcome): boolean {
  const chain = lastStep(outcome)?.chain ?? '';
  return /^KUBE-(FW-|PROXY-FIREWALL|MARK-DROP|FIREWALL)|^firewall/.test(chain);
}

function untranslated(
  question: Question,
  traced: TracedNode & { readonly kind: 'read' },
  expected: Expectation,
  outcome: Outcome,
  address: string,
): Ending {
  const kind = 'untranslated';
  const kept = addressAndPort(address, outcome.destinationPort);
  const here = staysHere(traced, outcome);
  // The rules of IPVS mode only mark and filter; its virtual servers translate, behind INPUT.
  if (here && traced.mode === 'ipvs')
    return { end: { kind, address: kept, why: 'handed to IPVS, whose virtual servers are not read', ipvs: true } };
  const diverting = traced.mode === 'iptables' ? diversion(outcome) : undefined;
  const rules = diverting
    ? `${diverting.chain} (line ${diverting.place!.line}) takes it before kube-proxy's rules are asked`
    : traced.mode === 'none'
      ? 'kube-proxy has no rules on this node at all'
      : 'no rule of this node translates it';
  const { service } = question.story;
  const why = here
    ? `${rules}, so it goes to the node itself, whose own processes may answer`
    : `${rules}. ${lostWords([service], outcome)}`;
  const end: End = { kind, address: kept, why, ...(diverting && { diverted: true }) };
  if (expected.otherwise.has('untranslated')) return { end };
  return {
    end,
    wrong: diverting ? "a rule that is not kube-proxy's lets it pass" : 'this node does not know this way in',
  };
}
