import type { ClusterObjects } from '../kubernetes/objects.ts';
import { guessed, read, type Known } from './known.ts';
import { kubeProxyContainer, kubeProxyPod } from './pod.ts';
import { releaseByShape, type Shape } from './shapes.ts';

/** A release of Kubernetes 1: its minor and patch number. What kube-proxy writes changes with them. */
export interface Release {
  readonly minor: number;
  readonly patch: number;
}

/** The releases whose rules this knows, each read in its source and compared with what a real kube-proxy programmed. */
const OLDEST: Release = { minor: 20, patch: 0 };
export const NEWEST: Release = { minor: 37, patch: 2 };

/** "1.37.2". */
export function formatRelease(release: Release): string {
  return `1.${release.minor}.${release.patch}`;
}

/** Finds "1.MINOR.PATCH" (or "1.MINOR") in a version, tag or image name such as "v1.29.0-minimal-eksbuild.1". */
export function parseRelease(text: string): Release | undefined {
  const found = /(?<![\d.])v?1\.(\d{1,3})(?:\.(\d{1,3}))?(?!\d)/.exec(text);
  return found ? { minor: Number(found[1]), patch: Number(found[2] ?? 0) } : undefined;
}

export function atLeast(release: Release, minor: number, patch = 0): boolean {
  return release.minor > minor || (release.minor === minor && release.patch >= patch);
}

export interface KnownRelease extends Known<Release> {
  /** The release whose rules are computed: `value`, or the nearest known one. */
  readonly generation: Release;
  /** What a user should know: that the release is not known here, or that the sources contradict each other. */
  readonly note?: string;
}

/**
 * The release of a node's kube-proxy: from its pod's image; else from the node's kubelet, which is of the same release
 * unless someone upgrades just now; else from the shapes of the rules in `dump` (iptables-save or nft text); else the newest.
 */
export function releaseOf(
  objects: ClusterObjects,
  node: string,
  dump = '',
  shape: Shape | undefined = releaseByShape(dump),
): KnownRelease {
  const byHand = parseRelease(objects.kubeProxyByHand?.release ?? '');
  if (byHand) return known(read(byHand, 'set by hand'));
  const found = fromImage(objects, node) ?? fromNode(objects, node);
  if (!found) {
    if (shape) return known(guessed(shape.nearest, `the shape of the node's rules: ${shape.why}`));
    if (objects.serverVersion) {
      const release = parseRelease(objects.serverVersion);
      if (release) return known(guessed(release, `the API server's version ${objects.serverVersion}`));
    }
    return known(guessed(NEWEST, 'nothing that says which release runs: the newest known'));
  }
  if (shape && (found.value.minor < shape.from || found.value.minor > shape.to))
    return {
      ...known(found),
      note: `kube-proxy is ${formatRelease(found.value)} by ${found.from}, but the node's rules look like those of ${range(shape)}: ${shape.why}.`,
    };
  return known(found);
}

/** A release with the nearest generation that is known. */
function known(release: Known<Release>): KnownRelease {
  const { minor } = release.value;
  if (minor < OLDEST.minor) return { ...release, generation: OLDEST, note: unknown(release.value, OLDEST) };
  if (minor > NEWEST.minor) return { ...release, generation: NEWEST, note: unknown(release.value, NEWEST) };
  return { ...release, generation: release.value };
}

function unknown(release: Release, used: Release): string {
  return `The rules of kube-proxy ${formatRelease(release)} are not known here: those of 1.${used.minor}, the nearest release, are shown.`;
}

function range(shape: { readonly from: number; readonly to: number }): string {
  if (shape.from === shape.to) return `1.${shape.from}`;
  return shape.to === Infinity ? `1.${shape.from} or newer` : `1.${shape.from} to 1.${shape.to}`;
}

function fromImage(objects: ClusterObjects, node: string): Known<Release> | undefined {
  const pod = kubeProxyPod(objects, node);
  const image = pod && kubeProxyContainer(pod)?.image;
  // Only the tag: a registry's port or a path such as "k8s-1.2/" is no release.
  const tag = image?.split('@')[0]!.split('/').at(-1)!.split(':')[1];
  const release = tag === undefined ? undefined : parseRelease(tag);
  if (!release) return undefined;
  return read(release, `the image ${image!} of pod ${pod!.metadata.namespace ?? ''}/${pod!.metadata.name}`);
}

function fromNode(objects: ClusterObjects, node: string): Known<Release> | undefined {
  const info = objects.nodes.find((candidate) => candidate.metadata.name === node)?.status?.nodeInfo;
  const text = info?.kubeletVersion ?? info?.kubeProxyVersion;
  const release = text === undefined ? undefined : parseRelease(text);
  return release && guessed(release, `the kubelet of node ${node}, which is ${text!}`);
}
