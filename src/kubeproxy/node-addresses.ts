import type { Node } from '../kubernetes/objects.ts';
import { formatAddress, type Family } from '../netfilter/address.ts';
import type { Configuration } from './configuration.ts';
import { parseLeniently } from './lenient.ts';
import { enabled } from './features.ts';
import { atLeast, type Release } from './version.ts';

/**
 * The node's own address in a family, as kube-proxy of a release knows it. It decides whether source ranges of a load balancer admit
 * the node. cmd/kube-proxy/app/server.go, detectNodeIPs and before 1.28 nodeIPTuple.
 */
export function nodeIP(configuration: Configuration, node: Node | undefined, family: Family, release: Release): string {
  const bind = parseLeniently(configuration.bindAddress.value);
  const bound = bind && bind.value !== 0n ? bind : undefined;
  if (bound?.family === family) return formatAddress(bound);
  const unspecified = family === 4 ? '0.0.0.0' : '::';
  // Dual-stack kube-proxies up to 1.27 took the address that they bind to, even where that is no address.
  const dualStack = enabled('IPv6DualStack', release, configuration.featureGates.value);
  if (dualStack && !atLeast(release, 28)) return unspecified;
  const written = node?.status?.addresses ?? [];
  const ordered = ['InternalIP', 'ExternalIP'].flatMap((type) => written.filter((address) => address.type === type));
  const addresses = ordered.flatMap(({ address }) => parseLeniently(address) ?? []);
  // Up to 1.28 only the first of them counts, or the address to bind to.
  if (!atLeast(release, 29)) {
    const primary = bound ?? addresses[0];
    if (primary) return primary.family === family ? formatAddress(primary) : unspecified;
    return family === 4 ? '127.0.0.1' : unspecified;
  }
  const found = addresses.find((address) => address.family === family);
  if (found) return formatAddress(found);
  return family === 4 ? '127.0.0.1' : '::1';
}

/** The family that a single-stack kube-proxy serves: that of the address it binds to, else of the Node's first address. */
export function primaryFamily(configuration: Configuration, node: Node | undefined): Family {
  const bind = parseLeniently(configuration.bindAddress.value);
  if (bind && bind.value !== 0n) return bind.family;
  const written = node?.status?.addresses ?? [];
  const ordered = ['InternalIP', 'ExternalIP'].flatMap((type) => written.filter((address) => address.type === type));
  return ordered.flatMap(({ address }) => parseLeniently(address) ?? [])[0]?.family ?? 4;
}
