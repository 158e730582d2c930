import { formatAddress } from '../address.ts';
import type { Chain } from '../program.ts';
import type { State } from '../state.ts';
import type { IptablesChain } from './chain.ts';

/**
 * Long chains of rules for one destination each (KUBE-SERVICES with tens of thousands, KUBE-NODEPORTS) are looked up, not walked: by the exact address
 * after -d, or by the exact port after --dport. Built from the text alone when a packet first comes by. A rule that names neither is tried for every packet; a rule
 * that is found is still evaluated in full.
 */
export const DISPATCH_FROM = 24;

interface Dispatch {
  readonly byAddress: ReadonlyMap<string, readonly number[]>;
  readonly byPort: ReadonlyMap<string, readonly number[]>;
  readonly rest: readonly number[];
}

const indexes = new WeakMap<Chain, Dispatch>();

export function nextRule(chain: Chain, from: number, state: State): number {
  if (chain.length < DISPATCH_FROM) return from;
  let index = indexes.get(chain);
  if (!index) indexes.set(chain, (index = dispatchOf(chain as IptablesChain)));
  const address = index.byAddress.get(formatAddress(state.destination));
  const port = state.destinationPort === undefined ? undefined : index.byPort.get(String(state.destinationPort));
  let next = chain.length;
  if (address) next = Math.min(next, firstFrom(address, from, next));
  if (port) next = Math.min(next, firstFrom(port, from, next));
  return Math.min(next, firstFrom(index.rest, from, next));
}

function firstFrom(sorted: readonly number[], from: number, none: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low < sorted.length ? sorted[low]! : none;
}

/** The form that iptables-save prints: the head in fixed order, a full prefix for one address. */
const ADDRESS = / -d ([0-9a-f.:]+)\/(?:32|128) /;
const PORT = / -m (?:tcp|udp|sctp) --dport (\d+)(?: |$)/;

function dispatchOf(chain: IptablesChain): Dispatch {
  const byAddress = new Map<string, number[]>();
  const byPort = new Map<string, number[]>();
  const rest: number[] = [];
  for (let i = 0; i < chain.length; i++) {
    const text = chain.ruleText(i);
    // A quoted comment may hold anything; what counts stands before it, or in a rule without one.
    const quote = text.indexOf('"');
    const plain = quote < 0 ? text : text.slice(0, quote);
    const address = ADDRESS.exec(plain);
    if (address && !plain.includes('! -d ') && isCanonical(address[1]!)) {
      push(byAddress, address[1]!, i);
      continue;
    }
    const behind = quote < 0 ? '' : text.slice(text.lastIndexOf('"'));
    const port = PORT.exec(behind) ?? PORT.exec(plain);
    if (port && text.indexOf('"', text.indexOf('"', quote + 1) + 1) < 0) push(byPort, port[1]!, i);
    else rest.push(i);
  }
  return { byAddress, byPort, rest };
}

function push(map: Map<string, number[]>, key: string, index: number): void {
  const list = map.get(key);
  if (list) list.push(index);
  else map.set(key, [index]);
}

/** IPv4 as it stands; IPv6 only where no second spelling is possible to miss. */
function isCanonical(text: string): boolean {
  if (!text.includes(':')) return !/(^|\.)0\d/.test(text);
  return !text.includes('.') && !/(^|:)0[0-9a-f]/.test(text);
}
