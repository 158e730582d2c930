/**
 * Requests to one API server as one user. client-node prepares what a kubeconfig may hold (certificates, tokens, auth providers, proxies);
 * the requests are ours, since its own hide refusals, timeouts and dropped sockets.
 */
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { KubeConfig, type Cluster, type User } from '@kubernetes/client-node';
import { hasPlugin, runPlugin, type Credential } from './credential-plugin.ts';
import type { ActiveContext, KubeconfigEntry } from './kubeconfig.ts';
import { proxyFor } from './proxy.ts';
import { codeOf, Trouble, unreachable } from './trouble.ts';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Already unpacked. Ends with an error where the connection breaks or says nothing for `idleMs`. */
  readonly body: Readable;
}

export interface GetOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds until the reply's headers are there. */
  readonly timeoutMs?: number;
  /** Milliseconds without a byte of the body. */
  readonly idleMs?: number;
}

/** What the list/watch loop needs of a server; a test may give another. */
export interface Api {
  /** Where it is, for messages. */
  readonly server: string;
  /** Rejects with a Trouble where there is no reply at all. */
  get(path: string, options?: GetOptions): Promise<Reply>;
}

/** Everything for node:https, node:http and ws. */
interface Prepared {
  readonly options: https.RequestOptions;
  readonly agent: http.Agent;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** A credential is renewed so long before it ends. */
const EARLY = 30_000;

/** Plugins may open a browser to let the user sign in: so long none is asked again, by itself, after it has failed or was of no use. */
const PLUGIN_REST = 5 * 60_000;

export class Connection implements Api {
  readonly name: string;
  readonly server: string;
  readonly namespace: string;
  readonly #context: ActiveContext | undefined;
  #prepared: Promise<Prepared> | undefined;
  /** Milliseconds since the epoch. */
  #pluginRests = 0;
  #disposed = false;

  /** Without a context: the service account of the pod that we run in. */
  constructor(context: ActiveContext | undefined) {
    this.#context = context;
    if (context) {
      this.name = context.name;
      this.server = String(context.cluster.value['server']).replace(/\/+$/, '');
      this.namespace = context.namespace ?? 'default';
    } else {
      const config = new KubeConfig();
      config.loadFromCluster();
      this.name = 'in-cluster';
      this.server = config.getCurrentCluster()!.server;
      this.namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
    }
  }

  async get(target: string, options: GetOptions = {}): Promise<Reply> {
    const reply = await this.#request(target, options);
    if (reply.status !== 401) return reply;
    // Once with new credentials: a token may have ended before its time.
    reply.body.destroy();
    this.refresh();
    return this.#request(target, options);
  }

  /** The server does not accept the credentials: the next request gets new ones, unless a plugin has just given them. */
  refresh(): void {
    if (this.#context && hasPlugin(this.#context.user)) {
      if (Date.now() < this.#pluginRests) return;
      this.#pluginRests = Date.now() + PLUGIN_REST;
    }
    this.#prepared = undefined;
  }

  /** The address and options of a web socket at this path. Rejects with a Trouble where the credentials cannot be had. */
  async webSocket(target: string): Promise<{ readonly url: string; readonly options: https.RequestOptions }> {
    const { options, agent } = await this.#credentials();
    return { url: this.server.replace(/^http/, 'ws') + target, options: { ...options, agent } };
  }

  dispose(): void {
    this.#disposed = true;
    void this.#prepared?.then(
      ({ agent }) => agent.destroy(),
      () => undefined,
    );
  }

  async #request(target: string, { signal, timeoutMs = 15_000, idleMs = 30_000 }: GetOptions): Promise<Reply> {
    const { options, agent } = await this.#credentials();
    signal?.throwIfAborted();
    const transport = this.server.startsWith('https:') ? https : http;
    return new Promise((resolve, reject) => {
      const request = transport.request(this.server + target, {
        ...options,
        agent,
        headers: { ...options.headers, Accept: 'application/json', 'Accept-Encoding': 'gzip' },
        ...(signal ? { signal } : {}),
      });
      const timer = setTimeout(() => request.destroy(timedOut(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(signal?.aborted ? error : new Trouble(unreachable(this.server, error)));
      });
      request.on('response', (response) => {
        clearTimeout(timer);
        response.setTimeout(idleMs, () => response.destroy(timedOut(`nothing came for ${idleMs / 1000} s`)));
        let body: Readable = response;
        if (response.headers['content-encoding'] === 'gzip') {
          const gunzip = createGunzip();
          response.on('error', (error) => gunzip.destroy(error));
          gunzip.on('close', () => response.destroy());
          body = response.pipe(gunzip);
        }
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
      request.end();
    });
  }

  async #credentials(): Promise<Prepared> {
    const known = this.#prepared;
    const prepared = await known?.catch((error: unknown) => {
      if (Date.now() < this.#pluginRests) throw error;
      return undefined;
    });
    if (prepared && prepared.expires - EARLY > Date.now()) return prepared;
    // Whoever comes first renews it for all.
    if (this.#prepared === known) this.#prepared = this.#prepare();
    const fresh = await this.#prepared!;
    if (this.#disposed) fresh.agent.destroy();
    return fresh;
  }

  async #askPlugin(user: KubeconfigEntry, cluster: KubeconfigEntry): Promise<Credential> {
    try {
      return await runPlugin(user, cluster);
    } catch (error) {
      this.#pluginRests = Date.now() + PLUGIN_REST;
      throw error;
    }
  }

  async #prepare(): Promise<Prepared> {
    const config = new KubeConfig();
    let expires = Infinity;
    let groups: readonly string[] = [];
    if (this.#context) {
      const { cluster, user } = this.#context;
      const credential = hasPlugin(user) ? await this.#askPlugin(user, cluster) : undefined;
      expires = credential?.expires ?? Infinity;
      groups = strings(user.value['as-groups']);
      config.loadFromOptions({
        clusters: [clusterOf(cluster)],
        users: [userOf(user, credential)],
        contexts: [{ name: this.name, cluster: cluster.name, user: user.name }],
        currentContext: this.name,
      });
    } else config.loadFromCluster();
    const options: https.RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new Trouble(unprepared(this.name, error));
    }
    const { agent: given, headers, auth, ...tls } = options;
    const proxied = config.getCurrentCluster()?.proxyUrl !== undefined;
    // client-node's agent closes each connection after its reply; only the one that knows its way through a proxy is needed.
    const agent = proxied && given instanceof http.Agent ? given : ownAgent(this.server, tls);
    return {
      agent,
      expires,
      options: {
        ...tls,
        ...(auth === undefined || auth === null ? {} : { auth }),
        headers: {
          ...(headers as http.OutgoingHttpHeaders),
          ...(groups.length > 0 ? { 'Impersonate-Group': [...groups] } : {}),
        },
      },
    };
  }
}

function ownAgent(server: string, tls: https.RequestOptions): http.Agent {
  const keep = { keepAlive: true, keepAliveMsecs: 15_000 };
  return server.startsWith('https:')
    ? new https.Agent({ ...keep, ...(tls as https.AgentOptions) })
    : new http.Agent(keep);
}

function clusterOf({ name, folder, value }: KubeconfigEntry): Cluster {
  const server = String(value['server']);
  const given = text(value['proxy-url']) ?? proxyFor(server, process.env);
  return {
    name,
    server,
    // client-node refuses plain http otherwise; kubectl proxy is such a server.
    skipTLSVerify: value['insecure-skip-tls-verify'] === true || server.startsWith('http:'),
    ...optional('caData', text(value['certificate-authority-data'])),
    ...optional('caFile', file(folder, value['certificate-authority'])),
    ...optional('tlsServerName', text(value['tls-server-name'])),
    ...optional('proxyUrl', given),
  };
}

function userOf({ name, folder, value }: KubeconfigEntry, credential: Credential | undefined): User {
  const tokenFile = file(folder, value['tokenFile']);
  const base64 = (pem: string | undefined): string | undefined => pem && Buffer.from(pem).toString('base64');
  return {
    name,
    ...optional('certData', base64(credential?.certificate) ?? text(value['client-certificate-data'])),
    ...optional('keyData', base64(credential?.key) ?? text(value['client-key-data'])),
    ...optional('certFile', file(folder, value['client-certificate'])),
    ...optional('keyFile', file(folder, value['client-key'])),
    // A token file is read again as it is renewed; kubectl prefers it to a token.
    ...optional('token', credential?.token ?? (tokenFile === undefined ? text(value['token']) : undefined)),
    ...optional('username', text(value['username'])),
    ...optional('password', text(value['password'])),
    ...optional('impersonateUser', text(value['as'])),
    ...optional(
      'authProvider',
      tokenFile === undefined
        ? (value['auth-provider'] as object | undefined)
        : { name: 'tokenFile', config: { tokenFile } },
    ),
  };
}

function unprepared(context: string, error: unknown): Trouble['problem'] {
  const detail = error instanceof Error ? error.message : String(error);
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES')
    return {
      code: 'bad-kubeconfig',
      message: `A file that the context ${context} names cannot be read`,
      advice: 'Check the certificate, key and token files in the kubeconfig.',
      detail,
    };
  return {
    code: 'unauthorized',
    message: `The credentials of the context ${context} cannot be had`,
    advice: 'Sign in again with your cluster’s own command, then refresh.',
    detail,
  };
}

function timedOut(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

function file(folder: string, value: unknown): string | undefined {
  const name = text(value);
  return name && path.resolve(folder, name);
}

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined || value === null ? {} : ({ [key]: value } as Record<K, V>);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
