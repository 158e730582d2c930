/** What a recording holds of one node's rules: nodes/NODE/*, with capture.json where the recording was written by us. */
import { generatedAt, isComplete, isDumpName } from '../dump.ts';
import type { Dump, NodeRules, Problem } from '../source.ts';
import { decodeText, type RecordingFiles } from './files.ts';
import { jsonFault, lineOf } from './json.ts';

/** Beside a node's dumps: what the dumps themselves don't say. Optional, as is every field of it. */
export const CAPTURE_FILE = 'capture.json';

export interface CaptureNotes {
  /** ISO 8601, with milliseconds. */
  readonly at?: string;
  /** "namespace/name" of the pod that was executed in. */
  readonly pod?: string;
  /** The command behind each dump. */
  readonly commands?: Readonly<Record<string, string>>;
  readonly problems?: readonly Problem[];
  /** Why nothing, or nothing newer, could be had. */
  readonly failed?: { readonly at: string; readonly problem: Problem };
}

/** "node-1" of "nodes/node-1/iptables-save.txt". */
export function nodeOfPath(path: string): string | undefined {
  return /^nodes\/([^/]+)\/[^/]+$/.exec(path)?.[1];
}

/**
 * @param paths the node's files, relative to the recording
 * @param fallbackAt milliseconds since the epoch, where neither notes nor dumps say when
 */
export async function readNode(
  files: RecordingFiles,
  node: string,
  paths: readonly string[],
  fallbackAt: number,
): Promise<NodeRules> {
  const dumps: Dump[] = [];
  const problems: Problem[] = [];
  let notes: CaptureNotes = {};
  const bad = (message: string, detail?: string): void => {
    problems.push({
      code: 'bad-recording',
      message,
      advice: 'Write the file again, or remove it from the recording.',
      ...(detail === undefined ? {} : { detail }),
    });
  };
  const texts = new Map<string, string>();
  for (const path of [...paths].sort()) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!isDumpName(name) && name !== CAPTURE_FILE) continue;
    try {
      texts.set(name, decodeText(await files.read(path)));
    } catch (error) {
      bad(`${path} cannot be read`, String(error));
    }
  }
  const noted = texts.get(CAPTURE_FILE);
  if (noted !== undefined) {
    const fault = jsonFault(noted);
    if (fault) {
      const { line, column } = lineOf(noted, fault.offset);
      bad(`nodes/${node}/${CAPTURE_FILE}, line ${line}, column ${column}: expected ${fault.expected}`);
    } else notes = readNotes(JSON.parse(noted));
  }
  for (const [name, text] of texts) {
    if (!isDumpName(name)) continue;
    const complete = isComplete(name, text);
    dumps.push({ name, text, from: notes.commands?.[name] ?? `nodes/${node}/${name}`, complete });
    if (!complete && !notes.problems?.some((problem) => problem.code === 'truncated'))
      problems.push(truncated(`nodes/${node}/${name}`));
  }
  problems.push(...(notes.problems ?? []));
  const at = time(notes.at) ?? newest(dumps.map((dump) => generatedAt(dump.text))) ?? fallbackAt;
  const capture = { node, at, ...(notes.pod === undefined ? {} : { pod: notes.pod }), dumps, problems };
  if (notes.failed)
    return {
      kind: 'failed',
      problem: notes.failed.problem,
      at: time(notes.failed.at) ?? at,
      ...(dumps.length > 0 ? { earlier: capture } : {}),
    };
  if (dumps.length > 0) return { kind: 'captured', capture };
  if (problems.length > 0) return { kind: 'failed', problem: problems[0]!, at };
  return { kind: 'none' };
}

export function truncated(what: string): Problem {
  return {
    code: 'truncated',
    message: `${what} ends before it should: the dump was cut off`,
    advice: 'Read the rules again; what is shown for this node may lack rules.',
  };
}

function newest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((each) => each !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

function time(text: string | undefined): number | undefined {
  const value = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

/** Whatever of the notes has the right form. */
function readNotes(value: unknown): CaptureNotes {
  if (!isRecord(value)) return {};
  const text = (name: string): Record<string, string> => {
    const field = value[name];
    return typeof field === 'string' ? { [name]: field } : {};
  };
  const failed = isRecord(value['failed']) ? value['failed'] : undefined;
  const commands = isRecord(value['commands'])
    ? Object.fromEntries(
        Object.entries(value['commands']).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      )
    : undefined;
  return {
    ...text('at'),
    ...text('pod'),
    ...(commands ? { commands } : {}),
    ...(Array.isArray(value['problems']) ? { problems: value['problems'].filter(isProblem) } : {}),
    ...(failed && typeof failed['at'] === 'string' && isProblem(failed['problem'])
      ? { failed: { at: failed['at'], problem: failed['problem'] } }
      : {}),
  };
}

export function isProblem(value: unknown): value is Problem {
  return isRecord(value) && ['code', 'message', 'advice'].every((field) => typeof value[field] === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
