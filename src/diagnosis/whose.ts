/** Whose an address is now, in the API's words. Indexes are built once per array of objects. */
import type { ClusterObjects, Pod } from '../kubernetes/objects.ts';
import { formatAddress, parseAddress } from '../netfilter/address.ts';

export interface Owner {
  readonly kind: 'pod' | 'node' | 'host-network';
  /** The pod's or node's name. */
  readonly name: string;
  readonly namespace?: string;
}

const owners = new WeakMap<readonly Pod[], ReadonlyMap<string, Owner>>();

/** undefined: nothing in the API has this address (any more). */
export function whose(objects: ClusterObjects, address: string): Owner | undefined {
  let known = owners.get(objects.pods);
  if (!known) owners.set(objects.pods, (known = index(objects)));
  const found = known.get(address);
  if (found) return found;
  const node = objects.nodes.find((each) => each.status?.addresses?.some((own) => own.address === address));
  return node && { kind: 'node', name: node.metadata.name };
}

function index({ pods }: ClusterObjects): ReadonlyMap<string, Owner> {
  const found = new Map<string, Owner>();
  for (const pod of pods) {
    // A pod that has ended keeps its address in the API, which may be another pod's by now.
    if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' || pod.spec?.hostNetwork) continue;
    const texts = pod.status?.podIPs?.map((each) => each.ip) ?? (pod.status?.podIP ? [pod.status.podIP] : []);
    for (const text of texts) {
      const address = parseAddress(text);
      if (address)
        found.set(formatAddress(address), {
          kind: 'pod',
          name: pod.metadata.name,
          namespace: pod.metadata.namespace ?? '',
        });
    }
  }
  return found;
}
