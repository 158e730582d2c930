/** Nodes that do the same are told once: "node-1, node-2 and 15 more alike". */
import { addressAndPort } from './endpoints.ts';
import type { AlikeNodes, End, NodeAnswer } from './story.ts';

/** In the order of their first node; nodes of a group in the given order. */
export function alikeNodes(answers: readonly NodeAnswer[]): readonly AlikeNodes[] {
  const groups = new Map<string, { nodes: string[]; answer: NodeAnswer }>();
  for (const answer of answers) {
    const key = signature(answer);
    const group = groups.get(key);
    if (group) group.nodes.push(answer.node);
    else groups.set(key, { nodes: [answer.node], answer });
  }
  return [...groups.values()];
}

function signature(answer: NodeAnswer): string {
  if (answer.kind !== 'traced') return JSON.stringify([answer.kind, answer.why]);
  return JSON.stringify([
    answer.streams.map((stream) => [
      endKey(stream.end),
      Math.round(stream.share * 1e6), // statistic's own rounding is 2^-31
      stream.masquerade,
      stream.assumptions,
      stream.wrong,
    ]),
    answer.idle.map((idle) => [addressAndPort(idle.endpoint.address, idle.endpoint.port), idle.reason]),
  ]);
}

/** What tells one end from another. */
export function endKey(end: End): string {
  switch (end.kind) {
    case 'endpoint':
      return addressAndPort(end.endpoint.address, end.endpoint.port);
    case 'stranger':
      return `stranger ${addressAndPort(end.address, end.port)}`;
    case 'untranslated':
      return end.ipvs ? 'ipvs' : 'untranslated';
    case 'reject':
      return `reject ${end.with}`;
    case 'drop':
      return 'drop';
  }
}

/** "node-1, node-2 and 15 more". */
export function namesOf(nodes: readonly string[], most = 2): string {
  if (nodes.length <= most + 1) return nodes.join(', ');
  return `${nodes.slice(0, most).join(', ')} and ${nodes.length - most} more`;
}
