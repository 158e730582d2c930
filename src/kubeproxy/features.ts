import type { Release } from './version.ts';

/**
 * Feature gates of kube-proxy that decide which rules are written: their default by release, as
 * pkg/features/kube_features.go has it (read in 1.20.15 to 1.37.2). Each gate: from which minor release on it exists
 * and is off (`off`), from which on it is on (`on`), from which on it can no longer be turned (`locked`).
 */
const GATES = {
  IPv6DualStack: { off: 16, on: 21, locked: 23 },
  EndpointSliceProxying: { off: 18, on: 19, locked: 22 },
  ServiceInternalTrafficPolicy: { off: 21, on: 22, locked: 26 },
  TopologyAwareHints: { off: 21, on: 24, locked: 33 },
  ProxyTerminatingEndpoints: { off: 22, on: 26, locked: 28 },
  LoadBalancerIPMode: { off: 29, on: 30, locked: 32 },
  ServiceTrafficDistribution: { off: 30, on: 31, locked: 33 },
  PreferSameTrafficDistribution: { off: 33, on: 34, locked: 35 },
  /** On since ever; KEP-5707 lets it be turned off from 1.36 on. */
  AllowServiceExternalIPs: { off: 36, on: 36, locked: Infinity },
} as const;

export type Gate = keyof typeof GATES;

/** Whether a gate is on in a release, where `set` is the configuration's featureGates. */
export function enabled(gate: Gate, release: Release, set: Readonly<Record<string, boolean>>): boolean {
  const { off, on, locked } = GATES[gate];
  if (release.minor < off) return false;
  if (release.minor >= locked) return true;
  return set[gate] ?? release.minor >= on;
}
