/**
 * Credential plugins of a kubeconfig (client.authentication.k8s.io, `exec:` of a user). Our own, since client-node's waits forever,
 * gives no KUBERNETES_EXEC_INFO and keeps a credential that the server no longer accepts.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { KubeconfigEntry } from './kubeconfig.ts';
import { codeOf, Trouble } from './trouble.ts';

export interface Credential {
  readonly token?: string;
  /** PEM */
  readonly certificate?: string;
  readonly key?: string;
  /** Milliseconds since the epoch; Infinity where the plugin names none. */
  readonly expires: number;
}

const TIMEOUT = 60_000;

/** True where the user's credential comes from a plugin. */
export function hasPlugin(user: KubeconfigEntry): boolean {
  return isRecord(user.value['exec']);
}

/** Runs the plugin. Rejects with a Trouble that names the command. */
export async function runPlugin(
  user: KubeconfigEntry,
  cluster: KubeconfigEntry,
  timeoutMs = TIMEOUT,
): Promise<Credential> {
  const exec = user.value['exec'] as Record<string, unknown>;
  const command = String(exec['command'] ?? '');
  const args = Array.isArray(exec['args']) ? exec['args'].map(String) : [];
  const trouble = (message: string, advice: string, detail?: string): Trouble =>
    new Trouble({ code: 'credential-plugin', message, advice, ...(detail ? { detail } : {}) });
  if (command === '')
    throw trouble(`The user ${user.name} has exec without a command`, 'Correct it in the kubeconfig.');
  const said = await output(program(command, user.folder), args, environment(exec, cluster), timeoutMs).catch(
    (error) => {
      if (codeOf(error) === 'ENOENT')
        throw trouble(
          `The credential plugin ${command} was not found`,
          text(exec['installHint']) ??
            'Write its full path as command in the kubeconfig: an editor started from the desktop may have another PATH than your shell.',
          `PATH is ${process.env['PATH'] ?? 'empty'}`,
        );
      const detail = error instanceof Error ? error.message : String(error);
      throw trouble(
        `The credential plugin ${command} failed`,
        `Run it in a terminal, sign in there, then refresh.`,
        detail,
      );
    },
  );
  try {
    return credentialIn(JSON.parse(said));
  } catch (error) {
    throw trouble(
      `The credential plugin ${command} printed no ExecCredential`,
      'Run it in a terminal and look at what it prints.',
      error instanceof Error ? error.message : undefined,
    );
  }
}

/** A command with a slash is relative to the kubeconfig's folder, any other is looked for in PATH. */
function program(command: string, folder: string): string {
  return /[/\\]/.test(command) && !path.isAbsolute(command) ? path.resolve(folder, command) : command;
}

function environment(exec: Record<string, unknown>, cluster: KubeconfigEntry): NodeJS.ProcessEnv {
  const added = Array.isArray(exec['env']) ? exec['env'].filter(isRecord) : [];
  const { extensions, ...fields } = cluster.value as { extensions?: unknown } & Record<string, unknown>;
  const own = Array.isArray(extensions)
    ? extensions.filter(isRecord).find((each) => each['name'] === 'client.authentication.k8s.io/exec')
    : undefined;
  const info = {
    apiVersion: exec['apiVersion'] ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec['provideClusterInfo'] === true
        ? { cluster: { ...fields, ...(own ? { config: own['extension'] } : {}) } }
        : {}),
    },
  };
  return {
    ...process.env,
    ...Object.fromEntries(added.map((each) => [String(each['name']), String(each['value'])])),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
}

function output(command: string, args: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    const timer = setTimeout(() => {
      child.kill();
      // What the plugin started may hold the pipes open after it.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(`it printed nothing within ${timeoutMs / 1000} s; it may be waiting for an answer`));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(Buffer.concat(err).toString().trim() || `it ended with exit code ${code}`));
    });
  });
}

function credentialIn(value: unknown): Credential {
  const status = isRecord(value) && isRecord(value['status']) ? value['status'] : undefined;
  if (!status) throw new Error('expected an object with status');
  const [token, certificate, key] = [
    text(status['token']),
    text(status['clientCertificateData']),
    text(status['clientKeyData']),
  ];
  if (token === undefined && certificate === undefined)
    throw new Error('expected status.token or status.clientCertificateData');
  const expires = Date.parse(text(status['expirationTimestamp']) ?? '');
  return {
    ...(token === undefined ? {} : { token }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    expires: Number.isNaN(expires) ? Infinity : expires,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
