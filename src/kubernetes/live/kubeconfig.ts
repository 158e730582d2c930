/**
 * The kubeconfig as kubectl reads it: an explicit path, or the files of KUBECONFIG, or ~/.kube/config; several files are merged and the first
 * that names something wins. Plain data; what belongs to one context goes to client-node later (connection.ts).
 */
import { readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { Problem } from '../source.ts';

export interface KubeconfigOptions {
  /** Instead of KUBECONFIG and ~/.kube/config: a path, or several with the system's separator, as in KUBECONFIG. */
  readonly kubeconfig?: string;
  /** Instead of current-context. */
  readonly context?: string;
}

/** A named entry of a kubeconfig, with the file's folder for relative paths in it. */
export interface KubeconfigEntry {
  readonly name: string;
  readonly folder: string;
  /** As the file has it: its fields are spelled with dashes. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** All that belongs to the active context. */
export interface ActiveContext {
  readonly name: string;
  readonly namespace?: string;
  readonly cluster: KubeconfigEntry;
  readonly user: KubeconfigEntry;
}

export type Kubeconfig =
  | {
      readonly kind: 'read';
      readonly active: ActiveContext;
      /** The names of all contexts, for choosing. */
      readonly contexts: readonly string[];
      readonly files: readonly string[];
    }
  /** A pod's own service account, where there is no kubeconfig. */
  | { readonly kind: 'in-cluster' }
  | { readonly kind: 'problem'; readonly problem: Problem; readonly contexts: readonly string[] };

export const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** The files that are read, in the order of precedence, whether or not they exist. */
export function kubeconfigFiles(options: KubeconfigOptions): readonly string[] {
  const list = options.kubeconfig || process.env['KUBECONFIG'] || path.join(os.homedir(), '.kube', 'config');
  const home = (file: string): string => (/^~[/\\]/.test(file) ? path.join(os.homedir(), file.slice(2)) : file);
  const files = list.split(path.delimiter).filter((file) => file.trim() !== '');
  return [...new Set(files.map((file) => path.resolve(home(file.trim()))))];
}

/** Never rejects. */
export async function readKubeconfig(options: KubeconfigOptions): Promise<Kubeconfig> {
  const files = kubeconfigFiles(options);
  const merged = new Merged();
  const found: string[] = [];
  const problem = (code: Problem['code'], message: string, advice: string, detail?: string): Kubeconfig => ({
    kind: 'problem',
    problem: { code, message, advice, ...(detail === undefined ? {} : { detail }) },
    contexts: [...merged.contexts.keys()],
  });
  for (const file of files) {
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      // kubectl passes over files of KUBECONFIG that aren't there.
      if (isAbsent(error)) continue;
      return problem('bad-kubeconfig', `${file} cannot be read`, 'Check that you may read it.', String(error));
    }
    found.push(file);
    const wrong = merged.add(file, text);
    if (wrong !== undefined)
      return problem('bad-kubeconfig', wrong, 'Correct the file; `kubectl config view` reads it too.');
  }
  if (found.length === 0) {
    if (options.kubeconfig === undefined && !process.env['KUBECONFIG'] && (await inCluster()))
      return { kind: 'in-cluster' };
    const named = files.length === 1 ? `there is no ${files[0]}` : `none of ${files.join(', ')} is there`;
    return problem(
      'no-kubeconfig',
      `No kubeconfig: ${named}`,
      'Put your cluster’s kubeconfig there, set KUBECONFIG, or choose a file in the setting serviceTraffic.kubeconfig.',
    );
  }
  const name = options.context ?? merged.current;
  if (name === undefined || name === '')
    return problem('no-context', `${found.join(', ')} names no current context`, choose(merged));
  const context = merged.contexts.get(name);
  if (!context) return problem('no-context', `The context ${name} is not in ${found.join(', ')}`, choose(merged));
  const [cluster, user] = [text(context.value['cluster']), text(context.value['user'])];
  const ofCluster = merged.clusters.get(cluster ?? '');
  const ofUser = merged.users.get(user ?? '') ?? { name: '', folder: context.folder, value: {} };
  if (!ofCluster || text(ofCluster.value['server']) === undefined)
    return problem(
      'bad-kubeconfig',
      `The context ${name} names the cluster ${cluster ?? '(none)'}, which has no server in ${found.join(', ')}`,
      'Correct the context’s cluster, or add the cluster with its server.',
    );
  if (user !== undefined && user !== '' && !merged.users.has(user))
    return problem(
      'bad-kubeconfig',
      `The context ${name} names the user ${user}, which is not in ${found.join(', ')}`,
      'Correct the context’s user, or add the user.',
    );
  const namespace = text(context.value['namespace']);
  return {
    kind: 'read',
    active: { name, cluster: ofCluster, user: ofUser, ...(namespace === undefined ? {} : { namespace }) },
    contexts: [...merged.contexts.keys()],
    files: found,
  };
}

function choose(merged: Merged): string {
  const names = [...merged.contexts.keys()];
  return names.length === 0
    ? 'Add a context to it; your cluster’s provider has a command for that.'
    : `Choose one: kubectl config use-context ${names.length === 1 ? names[0] : `(${names.join(', ')})`}`;
}

type Entries = Map<string, KubeconfigEntry>;

class Merged {
  readonly contexts: Entries = new Map();
  readonly clusters: Entries = new Map();
  readonly users: Entries = new Map();
  current: string | undefined;

  /** In words what is wrong with the file, naming its line. */
  add(file: string, source: string): string | undefined {
    const lines = new LineCounter();
    const document = parseDocument(source, { lineCounter: lines, logLevel: 'silent' });
    const error = document.errors[0];
    if (error) {
      const { line, col } = lines.linePos(error.pos[0]);
      return `${file}, line ${line}, column ${col}: ${error.message.split(' at line ')[0]}`;
    }
    let whole: unknown;
    try {
      whole = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      return `${file}: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (whole === null || whole === undefined) return undefined; // an empty file is an empty kubeconfig
    if (!isRecord(whole)) return `${file}, line 1: expected a kubeconfig (kind: Config)`;
    const lists = [
      [this.contexts, 'contexts', 'context'],
      [this.clusters, 'clusters', 'cluster'],
      [this.users, 'users', 'user'],
    ] as const;
    for (const [entries, list, field] of lists) {
      const values = whole[list] ?? [];
      if (!Array.isArray(values)) return `${file}: expected ${list} to be a list`;
      for (const [i, value] of (values as unknown[]).entries()) {
        const name = isRecord(value) ? text(value['name']) : undefined;
        if (!isRecord(value) || name === undefined) {
          const node = document.getIn([list, i], true) as { range?: [number] } | undefined;
          const line = node?.range ? `, line ${lines.linePos(node.range[0]).line}` : '';
          return `${file}${line}: expected a name in ${list}[${i}]`;
        }
        const inner = value[field];
        if (!entries.has(name))
          entries.set(name, { name, folder: path.dirname(file), value: isRecord(inner) ? inner : {} });
      }
    }
    this.current ??= text(whole['current-context']) || undefined;
    return undefined;
  }
}

async function inCluster(): Promise<boolean> {
  if (!process.env['KUBERNETES_SERVICE_HOST']) return false;
  return readFile(SERVICE_ACCOUNT_TOKEN).then(
    () => true,
    () => false,
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
