/**
 * Two Services may claim the same address and port. A map has place for one: kube-proxy visits its Services in the random order of a
 * Go map, and the last one gets it. So which one it is can be read in the node's listing alone.
 */
import type { ProxiedPort } from '../services.ts';
import type { Element } from './elements.ts';
import { commentOf, verdictOf } from './leftovers.ts';
import type { PortPart } from './part.ts';

export interface Contest {
  readonly container: string;
  /** "192.0.2.24 . tcp . 80" */
  readonly id: string;
  readonly claimants: readonly ProxiedPort[];
  /** They want different verdicts, as opposed to the same one under another comment. */
  readonly conflicting: boolean;
  readonly winner: ProxiedPort;
  /** The node's listing says so; else the winner is only one of several that it may be. */
  readonly seen: boolean;
}

/** What a map holds at a key: "goto service-…" or "drop", and its comment. */
export interface Held {
  readonly verdict: string;
  readonly comment: string | undefined;
}

interface Claim {
  readonly key: string;
  readonly part: PortPart;
  readonly element: Element;
}

const claimsBy = new WeakMap<PortPart, readonly Claim[]>();

/** What a port wants of the maps. A set holds a key, whoever wants it there. */
function claimsOf(part: PortPart): readonly Claim[] {
  let claims = claimsBy.get(part);
  if (!claims) {
    const elements = part.elements.filter(({ elem }) => Array.isArray(elem));
    claims = elements.map((element) => ({ key: `${element.container} ${element.id}`, part, element }));
    claimsBy.set(part, claims);
  }
  return claims;
}

/**
 * The parts without the elements that others won.
 * @param held what the node's listing holds at a key of a map, if that is known
 */
export function settle(
  parts: readonly PortPart[],
  held: (container: string, id: string) => Held | undefined,
): { readonly ports: readonly PortPart[]; readonly contests: readonly Contest[] } {
  const claims = new Map<string, Claim | Claim[]>();
  const contested = new Set<Claim[]>();
  for (const part of parts)
    for (const claim of claimsOf(part)) {
      const earlier = claims.get(claim.key);
      if (!earlier) claims.set(claim.key, claim);
      else if (Array.isArray(earlier)) earlier.push(claim);
      // The same address may be an external IP and the load balancer's of one port.
      else if (earlier.part !== part) {
        const all = [earlier, claim];
        claims.set(claim.key, all);
        contested.add(all);
      }
    }
  if (contested.size === 0) return { ports: parts, contests: [] };
  const lost = new Map<PortPart, Set<Element>>();
  const contests = [...contested].map((all): Contest => {
    const { container, id } = all[0]!.element;
    const there = held(container, id);
    const is = ({ element }: Claim) => verdictOf(element) === there?.verdict && commentOf(element) === there.comment;
    const seen = there && all.find(is);
    const winner = seen ?? all.at(-1)!;
    for (const { part, element } of all)
      if (part !== winner.part) lost.set(part, (lost.get(part) ?? new Set()).add(element));
    const claimants = all.map(({ part }) => part.port);
    const conflicting = new Set(all.map(({ element }) => verdictOf(element))).size > 1;
    return { container, id, claimants, conflicting, winner: winner.part.port, seen: !!seen };
  });
  const ports = parts.map((part) => {
    const gone = lost.get(part);
    return gone ? { ...part, elements: part.elements.filter((element) => !gone.has(element)) } : part;
  });
  return { ports, contests };
}
