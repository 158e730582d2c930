/**
 * Where node ports are accepted: on every address of the node except loopback, or on those of a set, which exists only then.
 */
import { set, type Container } from './listing.ts';
import type { Statement } from './objects.ts';
import type { TableSettings } from './settings.ts';
import { is } from './statements.ts';
import { toLocal, wordsOf } from './words.ts';

export function nodePortIPs({ family, nodePortIPs: addresses }: TableSettings): Container[] {
  if (!addresses) return [];
  const { address } = wordsOf(family);
  return [{ ...set('nodeport-ips', address, 'IPs that accept NodePort traffic'), elements: addresses }];
}

/** `ip daddr @nodeport-ips`, or `fib daddr type local ip daddr != 127.0.0.0/8`. */
export function toNodePort({ family, nodePortIPs: addresses }: TableSettings): Statement[] {
  const { daddr, notLoopback } = wordsOf(family);
  return addresses ? [is(daddr, '@nodeport-ips')] : [toLocal, notLoopback];
}

/** The same in hook input, where a destination that was not rewritten is local anyway (from 1.30 on). */
export function toNodePortInInput({ family, nodePortIPs: addresses }: TableSettings): Statement[] {
  const { daddr, notLoopback } = wordsOf(family);
  return addresses ? [is(daddr, '@nodeport-ips')] : [notLoopback];
}
