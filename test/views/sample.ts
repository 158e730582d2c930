import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openRecording } from '../../src/kubernetes/snapshot/open.ts';
import type { ClusterSource } from '../../src/kubernetes/source.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** The recorded shop of a newcomer: node-3's kube-proxy stopped before a rollout. */
export function sample(): Promise<ClusterSource> {
  return openRecording(path.join(root, 'samples/shop'));
}

export const SAMPLE_YAML = readFileSync(path.join(root, 'samples/shop.yaml'), 'utf8');

export function recorded(file: string): string {
  return readFileSync(path.join(root, 'test/recordings', file), 'utf8');
}

/** Markdown as it is read: without the backslashes that keep names from becoming markup. */
export function unescaped(markdown: string): string {
  return markdown.replace(/\\([\\`*_{}[\]()#+\-.!|<>~$&:])/g, '$1');
}
