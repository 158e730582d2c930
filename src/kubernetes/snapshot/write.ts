/** A source, live or recorded, as a recording: opening what this writes shows the same thing. */
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Zip, ZipDeflate } from 'fflate';
import { nodesOfPods } from '../nodes-by-pods.ts';
import type { ClusterObjects } from '../objects.ts';
import type { ClusterSource, NodeCapture, NodeRules, Problem } from '../source.ts';
import { CONFIG_FILE, LIST_NAMES, LISTS, NOTES_FILE, objectFile, VERSION_FILE } from './objects.ts';
import { CAPTURE_FILE, type CaptureNotes } from './rules.ts';

/**
 * Writes a recording, as a zip where the target's name ends in .zip, else as a folder. A target that is a recording is replaced as a whole;
 * any other file or folder with something in it is left alone. undefined: it is written.
 */
export async function writeRecording(source: ClusterSource, target: string): Promise<Problem | undefined> {
  const zip = /\.zip$/i.test(target);
  // Beside the target first, so that a full disk leaves no half of a recording.
  const temporary = `${path.resolve(target)}.${process.pid}.part`;
  try {
    const found = await stat(target).catch(() => undefined);
    if (found && !zip && !(found.isDirectory() && (await isRecordingOrEmpty(target))))
      return {
        code: 'bad-recording',
        message: `${target} holds something else than a recording: nothing was written`,
        advice: 'Choose a new or empty folder, or a name that ends in .zip.',
      };
    await mkdir(path.dirname(temporary), { recursive: true });
    if (zip) await writeFile(temporary, await recordingZip(source));
    else
      for (const [name, text] of recordingTexts(source)) {
        const file = path.join(temporary, name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    if (found?.isDirectory()) await rm(target, { recursive: true });
    await rename(temporary, target);
    return undefined;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    return {
      code: 'bad-recording',
      message: `The recording could not be written to ${target}`,
      advice: 'Check that the folder exists and that you may write there, or choose another place.',
      detail: error instanceof Error ? error.message : String(error),
    };
  }
}

async function isRecordingOrEmpty(folder: string): Promise<boolean> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  return names.every((name) => name === 'objects' || name === 'nodes' || name === VERSION_FILE || name === NOTES_FILE);
}

/** The recording as the bytes of a zip. Lets the event loop run between the files. */
export async function recordingZip(source: ClusterSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  for (const [name, text] of recordingTexts(source)) {
    const file = new ZipDeflate(name, { level: 6 });
    zip.add(file);
    file.push(new TextEncoder().encode(text), true);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  zip.end();
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** The files of a recording: path, text. */
export function* recordingTexts(source: ClusterSource): Generator<readonly [string, string]> {
  const { objects, state } = source;
  const absent = new Set(state.kind === 'ready' ? state.missing.map((each) => each.resource) : []);
  for (const list of LIST_NAMES) {
    // A kind that could not be read is no file, so that nobody takes it for an empty list.
    if (objects[list].length === 0 && (absent.has(list.toLowerCase()) || list === 'endpoints')) continue;
    // These nodes are known by their pods, and will be again.
    if (list === 'nodes' && absent.has('nodes')) continue;
    yield [objectFile(list), json({ apiVersion: 'v1', kind: 'List', items: typed(objects, list) })];
  }
  if (objects.kubeProxyConfig)
    yield [CONFIG_FILE, json({ apiVersion: 'v1', kind: 'ConfigMap', ...objects.kubeProxyConfig })];
  if (objects.serverVersion !== undefined)
    yield [VERSION_FILE, json({ serverVersion: { gitVersion: objects.serverVersion } })];
  if (state.kind === 'ready' && state.missing.length > 0) yield [NOTES_FILE, json({ missing: state.missing })];
  const names = new Set([...objects.nodes.map(({ metadata }) => metadata.name), ...nodesOfPods(objects.pods)]);
  for (const node of names) yield* nodeTexts(node, source.rules(node));
}

function typed(objects: ClusterObjects, list: keyof typeof LISTS): object[] {
  const apiVersion = list === 'endpointSlices' ? 'discovery.k8s.io/v1' : 'v1';
  return objects[list].map((object) => ({ apiVersion, kind: LISTS[list], ...object }));
}

function* nodeTexts(node: string, rules: NodeRules): Generator<readonly [string, string]> {
  const capture = rules.kind === 'captured' ? rules.capture : rules.kind === 'none' ? undefined : rules.earlier;
  for (const dump of capture?.dumps ?? []) yield [`nodes/${node}/${dump.name}`, dump.text];
  const failed =
    rules.kind === 'failed' ? { failed: { at: new Date(rules.at).toISOString(), problem: rules.problem } } : {};
  if (!capture && rules.kind !== 'failed') return;
  yield [`nodes/${node}/${CAPTURE_FILE}`, json({ ...(capture ? notesOf(capture) : {}), ...failed })];
}

function notesOf(capture: NodeCapture): CaptureNotes {
  return {
    at: new Date(capture.at).toISOString(),
    ...(capture.pod === undefined ? {} : { pod: capture.pod }),
    commands: Object.fromEntries(capture.dumps.map((dump) => [dump.name, dump.from])),
    problems: capture.problems,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
