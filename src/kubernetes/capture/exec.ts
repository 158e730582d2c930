/**
 * One command in one container, over a web socket (the API server's remotecommand protocol, v5 or v4). No shell, no terminal, no input. Its
 * end is only what the server says on the status channel: a socket that closes without it has lost something.
 */
import { WebSocket } from 'ws';
import type { Connection } from '../live/connection.ts';
import { statusOf } from '../live/body.ts';
import { Trouble, unreachable } from '../live/trouble.ts';

export interface Target {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface Executed {
  readonly stdout: string;
  readonly stderr: string;
  /** 0, or what the command ended with; undefined where it could not be started. */
  readonly exitCode: number | undefined;
  /** The server's own words where it is not 0. */
  readonly message: string;
}

/** There is no such program: a runtime says it in its own words (containerd, CRI-O), a wrapper script by the shell's exit codes. */
export function isMissing({ exitCode, message, stderr }: Executed): boolean {
  if (exitCode === 127 || exitCode === 126) return true;
  return (
    exitCode === undefined &&
    /executable file not found|no such file or directory|stat .*: no such/i.test(message + stderr)
  );
}

export interface ExecOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the socket is open. */
  readonly openMs?: number;
  /** Milliseconds without a byte: nft takes minutes over the rules of a very big cluster before it prints any. */
  readonly idleMs?: number;
  /** Milliseconds between two pings. A server that has answered one and misses the next three is gone. */
  readonly pingMs?: number;
}

const [STDOUT, STDERR, STATUS] = [1, 2, 3];

/** Rejects with a Trouble where there is no answer, a refusal, or an answer without an end; with the signal's reason where it aborts. */
export async function execute(
  connection: Connection,
  target: Target,
  command: readonly string[],
  options: ExecOptions = {},
): Promise<Executed> {
  try {
    return await attempt(connection, target, command, options);
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) throw error instanceof Refusal ? error.trouble : error;
    connection.refresh();
    return await attempt(connection, target, command, options).catch((again: unknown) => {
      throw again instanceof Refusal ? again.trouble : again;
    });
  }
}

/** The server answered the handshake with an HTTP status. */
class Refusal extends Error {
  readonly status: number;
  readonly trouble: Trouble;
  constructor(status: number, trouble: Trouble) {
    super(trouble.message);
    this.status = status;
    this.trouble = trouble;
  }
}

async function attempt(
  connection: Connection,
  target: Target,
  command: readonly string[],
  { signal, openMs = 15_000, idleMs = 300_000, pingMs = 10_000 }: ExecOptions,
): Promise<Executed> {
  const query = new URLSearchParams({ container: target.container, stdout: 'true', stderr: 'true' });
  for (const argument of command) query.append('command', argument);
  const { url, options } = await connection.webSocket(
    `/api/v1/namespaces/${target.namespace}/pods/${target.pod}/exec?${query}`,
  );
  signal?.throwIfAborted();
  const words = `${command.join(' ')} in ${target.namespace}/${target.pod}`;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], {
      ...options,
      perMessageDeflate: false,
      maxPayload: 0,
    } as ConstructorParameters<typeof WebSocket>[2]);
    const [stdout, stderr, status]: [Buffer[], Buffer[], Buffer[]] = [[], [], []];
    let opened = false;
    let unanswered = 0;
    let answers = false;
    let pings: NodeJS.Timeout | undefined;
    const ping = (): void => {
      if (answers && unanswered >= 3) return fail(lost(`no answer to pings for ${(unanswered * pingMs) / 1000} s`));
      unanswered++;
      socket.ping();
    };
    let timer = setTimeout(() => fail(lost(`no answer within ${openMs / 1000} s`)), openMs);
    const rest = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => fail(lost(`nothing came for ${idleMs / 1000} s`)), idleMs);
    };
    const abort = (): void => fail(signal!.reason);
    const settle = (): void => {
      clearTimeout(timer);
      clearInterval(pings);
      signal?.removeEventListener('abort', abort);
      // After it errors of a socket that is being torn down are nobody's.
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.terminate();
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const lost = (detail: string): Trouble =>
      new Trouble({
        code: 'exec-failed',
        message: opened
          ? `The connection ended before the end of ${words}`
          : `${words} could not be started: there was no connection to it`,
        advice:
          'Try again; if it stays so, check whether `kubectl exec` works, and proxies that may not pass web sockets.',
        detail,
      });
    signal?.addEventListener('abort', abort, { once: true });
    socket.on('open', () => {
      opened = true;
      pings = setInterval(ping, pingMs);
      rest();
    });
    socket.on('pong', () => {
      answers = true;
      unanswered = 0;
    });
    socket.on('message', (data: Buffer) => {
      rest();
      unanswered = 0;
      const chunk = data.subarray(1);
      if (data[0] === STDOUT) stdout.push(chunk);
      else if (data[0] === STDERR) stderr.push(chunk);
      else if (data[0] === STATUS) status.push(chunk);
    });
    socket.on('unexpected-response', (_request, response) => {
      const body: Buffer[] = [];
      response.on('data', (chunk: Buffer) => body.push(chunk));
      response.on('error', (error: Error) => fail(lost(error.message)));
      response.on('end', () => fail(refused(response.statusCode ?? 0, Buffer.concat(body).toString(), words, target)));
    });
    socket.on('error', (error) =>
      fail(opened ? lost(error.message) : new Trouble(unreachable(connection.server, error))),
    );
    socket.on('close', (code) => {
      const end = endOf(Buffer.concat(status).toString());
      if (!end) return fail(lost(`the socket closed with code ${code} and without a status`));
      settle();
      // Decoded once: a character may have come in two pieces.
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), ...end });
    });
  });
}

function refused(status: number, body: string, words: string, { namespace }: Target): Error {
  let said = body.slice(0, 500);
  try {
    said = statusOf(JSON.parse(body)).message;
  } catch {
    // A gateway's own words.
  }
  const trouble = (code: 'forbidden' | 'unauthorized' | 'exec-failed', message: string, advice: string): Refusal =>
    new Refusal(status, new Trouble({ code, message, advice, detail: said }));
  if (status === 403)
    return trouble(
      'forbidden',
      `You may not execute commands in pods of ${namespace}`,
      `Ask for the verbs get and create on pods/exec in ${namespace} (Kubernetes 1.35 and later check both); docs/clusterrole.yaml has all that is needed.`,
    );
  if (status === 401)
    return trouble('unauthorized', `${words}: the credentials are not accepted`, 'Sign in again, then try again.');
  return trouble(
    'exec-failed',
    `${words} could not be started (HTTP ${status})`,
    status >= 500
      ? 'Check that the node is up and that the API server reaches its kubelet: `kubectl exec` goes the same way.'
      : 'Check whether `kubectl exec` into that pod works.',
  );
}

/** The Status object that ends a command; undefined where there is none. */
function endOf(text: string): Pick<Executed, 'exitCode' | 'message'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { status, details } = value as {
    status?: unknown;
    details?: { causes?: { reason?: string; message?: string }[] };
  };
  const { message, reason } = statusOf(value);
  if (status === 'Success') return { exitCode: 0, message: '' };
  const code = details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message;
  return { exitCode: reason === 'NonZeroExitCode' && code !== undefined ? Number(code) : undefined, message };
}
