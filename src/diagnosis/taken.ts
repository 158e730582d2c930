/** Which addresses somebody has, pod or endpoint: read once of each object, however often others change. */
import type { ClusterObjects, EndpointSlice, Pod } from '../kubernetes/objects.ts';
import { formatAddress, parseAddress } from '../netfilter/address.ts';

const inSlices = new WeakMap<EndpointSlice, ReadonlySet<string>>();
const ofPods = new WeakMap<readonly Pod[], ReadonlySet<string>>();
/** What was asked. */
const answers = new WeakMap<ClusterObjects, Map<string, boolean>>();

/** @param address in canonical text */
export function isTaken(objects: ClusterObjects, address: string): boolean {
  let known = answers.get(objects);
  if (!known) answers.set(objects, (known = new Map()));
  let taken = known.get(address);
  if (taken === undefined) {
    taken = isPods(objects.pods, address) || objects.endpointSlices.some((slice) => addressesIn(slice).has(address));
    known.set(address, taken);
  }
  return taken;
}

function isPods(pods: readonly Pod[], address: string): boolean {
  let all = ofPods.get(pods);
  if (!all) {
    const texts = pods.flatMap((pod) => pod.status?.podIPs?.map((each) => each.ip) ?? pod.status?.podIP ?? []);
    ofPods.set(pods, (all = new Set(texts.map(canonical))));
  }
  return all.has(address);
}

function addressesIn(slice: EndpointSlice): ReadonlySet<string> {
  let all = inSlices.get(slice);
  if (!all) {
    const texts = slice.endpoints?.flatMap((endpoint) => endpoint.addresses) ?? [];
    inSlices.set(slice, (all = new Set(texts.map(canonical))));
  }
  return all;
}

function canonical(text: string): string {
  const address = parseAddress(text);
  return address ? formatAddress(address) : text;
}
