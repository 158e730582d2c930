/** Where an outcome ends, in the words of the cluster: an endpoint, a stranger, nowhere, and whether that is as it should be. */
import { formatAddress } from '../netfilter/address.ts';
import type { Outcome, Step } from '../netfilter/outcome.ts';
import type { Question } from './answer.ts';
import { isLocal, sourceRanges } from './clients.ts';
import { canonical, nodeAt, podsAt } from './directory.ts';
import { addressAndPort } from './endpoints.ts';
import { notReadyWords } from './expectation.ts';
import type { Expectation } from './expectation.ts';
import type { End, EndpointView } from './story.ts';
import type { TracedNode } from './traced-node.ts';

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
  if (question.client === 'outside-refused') return { end, wrong: 'lets in a client that is in no source range' };
  const why = expected.leftOut.get(endpoint);
  if (why === undefined) return { end };
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

function rejected(question: Question, expected: Expectation, outcome: Outcome): Ending {
  const kind = outcome.rejectWith ?? 'icmp-port-unreachable';
  // nftables mode, since 1.30: the end of the services chain rejects what no port of a cluster IP takes.
  if (question.client === 'ping')
    return {
      end: { kind: 'reject', with: kind, why: `refused at once: only its ports are taken, by ${decider(outcome)}` },
    };
  const ready = expected.chosen.size;
  const none = question.port.endpoints.length === 0 ? 'it has no endpoints' : 'none of its endpoints is ready';
  if (ready === 0) return { end: { kind: 'reject', with: kind, why: `refused at once: ${none}` } };
  return {
    end: { kind: 'reject', with: kind, why: `refused at once by ${decider(outcome)}` },
    wrong: `refused, though ${count(ready)} ready`,
  };
}

function dropped(question: Question, expected: Expectation, outcome: Outcome): Ending {
  const { way, client } = question;
  const { service } = question.story;
  if (client === 'outside-refused' || (way.kind === 'loadBalancerIP' && byFirewall(outcome))) {
    const none = client === 'outside-refused' || sourceRanges(service, way.family).length > 0;
    if (none)
      return { end: { kind: 'drop', why: 'dropped without a word: the source is in none of the source ranges' } };
  }
  if (expected.policy)
    return {
      end: {
        kind: 'drop',
        why: `dropped without a word: ${expected.policy} is Local, and this node has no ready endpoint`,
      },
    };
  const end: End = { kind: 'drop', why: `dropped without a word by ${decider(outcome)}` };
  if (expected.chosen.size === 0) return { end };
  return { end, wrong: `dropped, though ${count(expected.chosen.size)} ready` };
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
  const local = outcome.routing ? outcome.routing.delivered === 'local' : isLocal(traced.network, outcome.destination);
  const out = outcome.routing?.interface;
  const rules =
    traced.mode === 'none' ? 'kube-proxy has no rules on this node at all, so it' : 'no rule translates it, so it';
  const why = local
    ? `${rules} goes to the node itself, whose own processes may answer`
    : `${rules} keeps ${canonical(address)} as its destination${out ? `, leaves by ${out}` : ''} and is lost: no interface has that address`;
  const end: End = { kind: 'untranslated', address: addressAndPort(address, outcome.destinationPort), why };
  if (question.client === 'ping') {
    const { port, protocol } = question.port;
    const takes = `the rules take ${protocol} port ${port.port} of it, no ping`;
    const lost = `no answer: ${takes}. ${out ? `It leaves by ${out}, but no` : 'No'} interface has ${address}.`;
    return { end: { ...end, why: local ? `${takes}, so the node itself may answer` : lost } };
  }
  if (expected.chosen.size === 0 && question.port.endpoints.length > 0 && question.way.kind === 'nodePort')
    return { end };
  return { end, wrong: 'this node does not know this way in' };
}

function lastStep(outcome: Outcome): Step | undefined {
  return outcome.path.at(-1);
}

function decider(outcome: Outcome): string {
  const step = lastStep(outcome);
  if (!step) return 'a rule';
  if (!step.place) return `the policy of ${step.chain}`;
  return `${step.chain} (line ${step.place.line})`;
}

function count(endpoints: number): string {
  return endpoints === 1 ? '1 endpoint is' : `${endpoints} endpoints are`;
}
