/** The objects of a recording: whatever lies in objects/, told apart by each object's own kind, or else by the file's name. */
import { decodeObject, isKind, type KindName, type Kinds } from '../decode.ts';
import type { ClusterObjects, ConfigMap, ObjectMeta } from '../objects.ts';
import type { Problem } from '../source.ts';
import { decodeText } from './files.ts';
import { jsonFault, lineOf, locate, wholeElements } from './json.ts';

/** The list of each kind in ClusterObjects, and the file that holds it. */
export const LISTS = {
  namespaces: 'Namespace',
  services: 'Service',
  endpointSlices: 'EndpointSlice',
  endpoints: 'Endpoints',
  nodes: 'Node',
  pods: 'Pod',
} as const satisfies Partial<Record<keyof ClusterObjects, KindName>>;

export type ListName = keyof typeof LISTS;

export const LIST_NAMES = Object.keys(LISTS) as ListName[];

/** "objects/endpointslices.json" */
export function objectFile(list: ListName): string {
  return `objects/${list.toLowerCase()}.json`;
}

export const CONFIG_FILE = 'objects/kube-proxy-config.json';
export const VERSION_FILE = 'version.json';

/** What a recording of ours says of the kinds that its source did not have. Optional. */
export const NOTES_FILE = 'recording.json';

export interface Missing {
  /** Plural, as RBAC names it. */
  readonly resource: string;
  readonly problem: Problem;
}

export interface FileProblem {
  readonly file: string;
  readonly problem: Problem;
}

export interface RecordedObjects {
  readonly objects: ClusterObjects;
  readonly problems: readonly FileProblem[];
}

/** Broken files become problems, each naming its file, line and what was expected; the objects in them that are whole are kept. */
export function readObjects(files: ReadonlyMap<string, Uint8Array>): RecordedObjects {
  const problems: FileProblem[] = [];
  const found = new Map<KindName, Map<string, Kinds[KindName]>>();
  let serverVersion: string | undefined;
  for (const [file, bytes] of files) {
    const text = decodeText(bytes);
    const report = (offset: number, expected: string, lost: string): void => {
      const { line, column } = lineOf(text, offset);
      problems.push({
        file,
        problem: {
          code: 'bad-recording',
          message: `${file}, line ${line}, column ${column}: expected ${expected}`,
          advice: `${lost} Write the file again: ${command(file)}`,
        },
      });
    };
    if (file === VERSION_FILE) {
      serverVersion = versionIn(text) ?? serverVersion;
      if (text.trim() !== '' && jsonFault(text))
        report(jsonFault(text)!.offset, jsonFault(text)!.expected, 'The API server’s version is not known.');
      continue;
    }
    for (const { object, path, kind } of objectsIn(text, file, report)) {
      const decoded = decodeObject(kind, object);
      for (const fault of decoded.faults)
        report(
          locate(text, [...path, ...fault.path]),
          `${fault.expected} at ${kind}.${dotted(fault.path)}`,
          decoded.object ? 'The field is left out.' : `This ${kind} is left out.`,
        );
      if (!decoded.object) continue;
      if (!found.has(kind)) found.set(kind, new Map());
      const { metadata } = decoded.object as { readonly metadata: ObjectMeta };
      found.get(kind)!.set(`${metadata.namespace ?? ''}/${metadata.name}`, decoded.object);
    }
  }
  const all = <K extends KindName>(kind: K): Kinds[K][] => [...(found.get(kind)?.values() ?? [])] as Kinds[K][];
  const config = all('ConfigMap').find((map) => map.metadata.name === 'kube-proxy') ?? all('ConfigMap')[0];
  return {
    objects: {
      namespaces: all('Namespace'),
      services: all('Service'),
      endpointSlices: all('EndpointSlice'),
      endpoints: all('Endpoints'),
      nodes: all('Node'),
      pods: all('Pod'),
      ...(config ? { kubeProxyConfig: config satisfies ConfigMap } : {}),
      ...(serverVersion ? { serverVersion } : {}),
    },
    problems,
  };
}

interface Found {
  readonly object: unknown;
  readonly kind: KindName;
  readonly path: readonly (string | number)[];
}

/** A List as kubectl prints it, a plain array, or one object. */
function* objectsIn(
  text: string,
  file: string,
  report: (offset: number, expected: string, lost: string) => void,
): Generator<Found> {
  // `kubectl get` without a result prints nothing at all in JSON but an empty List; an empty file is a command that failed.
  if (text.trim() === '') return report(0, 'a List, but the file is empty', 'Nothing is known of these objects.');
  const fallback = kindOfFile(file);
  let elements: readonly unknown[];
  let path: readonly string[] = ['items'];
  try {
    const whole: unknown = JSON.parse(text);
    if (Array.isArray(whole)) [elements, path] = [whole, []];
    else if (isRecord(whole) && Array.isArray(whole['items'])) elements = whole['items'];
    else if (isRecord(whole) && isRecord(whole['metadata']) && (isKind(whole['kind']) || fallback)) {
      yield { object: whole, kind: isKind(whole['kind']) ? whole['kind'] : fallback!, path: [] };
      return;
    } else return report(0, 'a List with items, or an array of objects', 'Nothing is known of these objects.');
  } catch {
    const fault = jsonFault(text) ?? { offset: 0, expected: 'JSON' };
    if (text.trimStart().startsWith('[')) path = [];
    elements = wholeElements(text, path);
    report(
      fault.offset,
      fault.expected,
      elements.length > 0
        ? `The ${elements.length} objects before it are shown.`
        : 'Nothing is known of these objects.',
    );
  }
  for (const [i, object] of elements.entries()) {
    const own = isRecord(object) ? object['kind'] : undefined;
    const kind = isKind(own) ? own : own === undefined ? fallback : undefined;
    if (kind) yield { object, kind, path: [...path, i] };
    else if (own === undefined) report(locate(text, [...path, i]), 'an object with a kind', 'This object is left out.');
    // Other kinds (a Deployment in a `kubectl get all`) are no error and no use.
  }
}

function kindOfFile(file: string): KindName | undefined {
  if (file === CONFIG_FILE) return 'ConfigMap';
  const list = LIST_NAMES.find((name) => objectFile(name) === file.toLowerCase());
  return list && LISTS[list];
}

/** How the file is made. */
function command(file: string): string {
  if (file === VERSION_FILE) return `kubectl version -o json > ${file}`;
  if (file === CONFIG_FILE) return `kubectl get configmap kube-proxy -n kube-system -o json > ${file}`;
  const list = LIST_NAMES.find((name) => objectFile(name) === file.toLowerCase());
  return `kubectl get ${(list ?? 'services').toLowerCase()} -A -o json > ${file}`;
}

/** serverVersion.gitVersion of `kubectl version -o json`, or gitVersion of the server's own /version. */
function versionIn(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const info = isRecord(value['serverVersion']) ? value['serverVersion'] : value;
    return typeof info['gitVersion'] === 'string' ? info['gitVersion'] : undefined;
  } catch {
    return undefined;
  }
}

function dotted(path: readonly (string | number)[]): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
