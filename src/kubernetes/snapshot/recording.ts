/** A recorded cluster as a ClusterSource. Runs anywhere: the files come from outside (files.ts). */
import { Changes } from '../changes.ts';
import { nodesByPods } from '../nodes-by-pods.ts';
import type { ClusterObjects } from '../objects.ts';
import type { ClusterSource, Disposable, NodeRules, Problem, SourceChange, SourceState } from '../source.ts';
import { decodeText, type RecordingFiles } from './files.ts';
import {
  NOTES_FILE,
  objectFile,
  readObjects,
  VERSION_FILE,
  type FileProblem,
  type ListName,
  type Missing,
} from './objects.ts';
import { isProblem, nodeOfPath, readNode } from './rules.ts';

const EMPTY: ClusterObjects = { namespaces: [], services: [], endpointSlices: [], endpoints: [], nodes: [], pods: [] };

/** Up to so many bytes of rules are read when the recording is opened; beyond it each node's when somebody asks for it. */
const READ_AT_ONCE = 64 * 1024 ** 2;

/** What a view lacks without a kind. Of the kinds that aren't here nobody misses a file. */
const LOST: Partial<Record<ListName, string>> = {
  services: 'no Services can be shown',
  endpointSlices: 'which pods a Service should reach is not known',
  nodes: 'addresses and zones of nodes are not known',
  pods: 'endpoints have no pod names, labels or reasons',
};

/**
 * Opens a recording. Never rejects: what cannot be read is in the source's state (the whole recording, or a kind of objects) or in
 * the problems of a node's capture.
 *
 * @param name what to call it, such as the folder's name
 * @param location where it is, in words for the user
 * @param fallbackAt milliseconds since the epoch: when the recording was made, where nothing in it says so
 * @param readAtOnce bytes of rules: more than that are not read until somebody asks for a node's with `capture`
 */
export async function openRecordingFiles(
  files: RecordingFiles,
  name: string,
  location: string,
  fallbackAt = 0,
  readAtOnce = READ_AT_ONCE,
): Promise<ClusterSource> {
  let found: Awaited<ReturnType<RecordingFiles['list']>>;
  try {
    found = await files.list();
  } catch (error) {
    return failedRecording(name, location, unreadable(location, error));
  }
  const objectFiles = found.map((file) => file.path).filter((path) => /^objects\/[^/]+\.json$/.test(path));
  const nodeFiles = Map.groupBy(
    found.filter((file) => nodeOfPath(file.path) !== undefined),
    (file) => nodeOfPath(file.path)!,
  );
  if (objectFiles.length === 0 && nodeFiles.size === 0)
    return failedRecording(name, location, {
      code: 'bad-recording',
      message: `${location} is no recording: it has neither objects/*.json nor nodes/NODE/*.txt`,
      advice: 'Choose the folder (or zip) that holds the folders objects and nodes.',
    });

  const problems: FileProblem[] = [];
  const texts = new Map<string, Uint8Array>();
  for (const path of [...objectFiles, ...found.map((file) => file.path).filter((path) => path === VERSION_FILE)])
    try {
      texts.set(path, await files.read(path));
    } catch (error) {
      problems.push({ file: path, problem: unreadable(path, error) });
    }
  const noted = found.some((file) => file.path === NOTES_FILE)
    ? readNotes(await files.read(NOTES_FILE).catch(() => new Uint8Array()))
    : [];
  const read = readObjects(texts);
  problems.push(...read.problems);

  const lacking = missing(read.objects, texts, problems, noted);
  const incomplete = (['services', 'endpointSlices'] as const).filter((list) =>
    lacking.some(({ resource, problem }) => resource === list.toLowerCase() && problem.code === 'bad-recording'),
  );
  const objects = {
    ...withNodes(read.objects, [...nodeFiles.keys()]),
    ...(incomplete.length > 0 ? { incomplete } : {}),
  };
  const source = new Recording(files, name, location, objects, lacking);
  const at = newestTime(read.objects) ?? fallbackAt;
  const bytes = found.reduce((sum, file) => sum + (nodeOfPath(file.path) === undefined ? 0 : file.size), 0);
  for (const [node, paths] of nodeFiles)
    await source.add(node, { paths: paths.map((file) => file.path), at }, bytes <= readAtOnce);
  return source;
}

/** A node whose rules were recorded is shown, by its name alone where no Node object tells of it; where none does, those of pods as well. */
function withNodes(objects: ClusterObjects, recorded: readonly string[]): ClusterObjects {
  const known = new Set(objects.nodes.map(({ metadata }) => metadata.name));
  if (known.size === 0) return { ...objects, nodes: nodesByPods(objects, recorded) };
  const bare = recorded.filter((name) => !known.has(name)).map((name) => ({ metadata: { name } }));
  return bare.length === 0 ? objects : { ...objects, nodes: [...objects.nodes, ...bare] };
}

function unreadable(what: string, error: unknown): Problem {
  return {
    code: 'bad-recording',
    message: `${what} cannot be read`,
    advice: 'Check that it exists, that it is a folder or a zip, and that you may read it.',
    detail: error instanceof Error ? error.message : String(error),
  };
}

/** A source that has only a reason. */
export function failedRecording(name: string, location: string, problem: Problem): ClusterSource {
  return {
    name,
    kind: 'recording',
    location,
    state: { kind: 'failed', problem },
    objects: EMPTY,
    onDidChange: () => ({ dispose: () => undefined }),
    rules: () => ({ kind: 'none' }),
    capture: async () => undefined,
    dispose: () => undefined,
  };
}

/** Broken files, and kinds that the recording does not have although a view wants them. */
function missing(
  objects: ClusterObjects,
  files: ReadonlyMap<string, Uint8Array>,
  problems: readonly FileProblem[],
  noted: readonly Missing[],
): Missing[] {
  const resource = (file: string): string => file.replace(/^objects\//, '').replace(/\.json$/, '');
  const broken = problems.map(({ file, problem }) => ({ resource: resource(file), problem }));
  // What the source itself said of a kind is better than that there is no file.
  const out = [
    ...noted,
    ...broken.filter((each) => !noted.some(({ problem }) => problem.message === each.problem.message)),
  ];
  for (const [list, lost] of Object.entries(LOST) as [ListName, string][]) {
    const file = objectFile(list);
    if (files.has(file) || objects[list].length > 0 || out.some((each) => each.resource === resource(file))) continue;
    out.push({
      resource: resource(file),
      problem: {
        code: 'bad-recording',
        message: `The recording has no ${file}: ${lost}`,
        advice: `Add it where you can: kubectl get ${resource(file)} -A -o json > ${file}`,
      },
    });
  }
  return out;
}

/** The kinds that the source of the recording did not have, and why. Anything else in the notes is passed over. */
function readNotes(bytes: Uint8Array): Missing[] {
  try {
    const { missing } = JSON.parse(decodeText(bytes)) as { missing?: unknown };
    if (!Array.isArray(missing)) return [];
    return (missing as Partial<Missing>[]).filter(
      (each): each is Missing => typeof each?.resource === 'string' && isProblem(each.problem),
    );
  } catch {
    return [];
  }
}

/** The newest moment that the objects mention: the recording was made then or later. */
function newestTime(objects: ClusterObjects): number | undefined {
  let newest: string | undefined;
  const see = (time: string | undefined): void => {
    if (time !== undefined && (newest === undefined || time > newest)) newest = time;
  };
  for (const list of [objects.services, objects.endpointSlices, objects.nodes, objects.pods])
    for (const { metadata } of list) see(metadata.creationTimestamp);
  for (const pod of objects.pods)
    for (const condition of pod.status?.conditions ?? []) see(condition.lastTransitionTime);
  const time = newest === undefined ? NaN : Date.parse(newest);
  return Number.isNaN(time) ? undefined : time;
}

interface RecordedNode {
  readonly paths: readonly string[];
  /** Milliseconds since the epoch, where the dumps don't say. */
  readonly at: number;
}

class Recording implements ClusterSource {
  readonly kind = 'recording';
  readonly name: string;
  readonly location: string;
  readonly objects: ClusterObjects;
  readonly state: SourceState;
  readonly #files: RecordingFiles;
  readonly #nodes = new Map<string, RecordedNode>();
  readonly #rules = new Map<string, NodeRules>();
  readonly #changes = new Changes();

  constructor(
    files: RecordingFiles,
    name: string,
    location: string,
    objects: ClusterObjects,
    missing: readonly Missing[],
  ) {
    this.#files = files;
    this.name = name;
    this.location = location;
    this.objects = objects;
    this.state = { kind: 'ready', missing };
  }

  async add(node: string, recorded: RecordedNode, readNow: boolean): Promise<void> {
    this.#nodes.set(node, recorded);
    if (readNow) await this.#read(node);
  }

  onDidChange(listener: (change: SourceChange) => void): Disposable {
    return this.#changes.listen(listener);
  }

  rules(node: string): NodeRules {
    return this.#rules.get(node) ?? { kind: 'none' };
  }

  /** Reads the node's files again: somebody may have edited or added them. */
  async capture(nodes: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const node of nodes) {
      if (signal?.aborted) return;
      await this.#read(node);
      this.#changes.report({ nodes: [node] });
    }
  }

  async #read(node: string): Promise<void> {
    const recorded = this.#nodes.get(node);
    if (!recorded) {
      this.#rules.set(node, {
        kind: 'failed',
        at: Date.now(),
        problem: {
          code: 'bad-recording',
          message: `The recording has no rules of ${node}: there is no folder nodes/${node}`,
          advice: `Add nodes/${node}/iptables-save.txt, ip6tables-save.txt and nft.json, as that node prints them.`,
        },
      });
      return;
    }
    this.#rules.set(node, await readNode(this.#files, node, recorded.paths, recorded.at));
  }

  dispose(): void {
    this.#changes.dispose();
  }
}
