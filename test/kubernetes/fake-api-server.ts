import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Connection } from '../../src/kubernetes/live/connection.ts';
import type { ActiveContext } from '../../src/kubernetes/live/kubeconfig.ts';
import type { Timing } from '../../src/kubernetes/live/list-watch.ts';

export interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly reply: http.ServerResponse;
  readonly socket: Socket;
  /** How many requests there were before it. */
  readonly count: number;
}

export interface FakeApiServer {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly { readonly path: string; readonly query: URLSearchParams }[];
  /** What answers from now on. */
  answer(script: (asked: Asked) => void): void;
  /** Nothing listens any more, and every connection is reset; `listen` opens the same port again. */
  close(): Promise<void>;
  listen(): Promise<void>;
}

/** An API server that does what a test's script says, faults included. */
export async function startFakeApiServer(script: (asked: Asked) => void = () => undefined): Promise<FakeApiServer> {
  let current = script;
  const asked: { path: string; query: URLSearchParams }[] = [];
  const server = http.createServer((request, reply) => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const count = asked.push({ path: url.pathname, query: url.searchParams }) - 1;
    const { headers, socket } = request;
    current({ path: url.pathname, query: url.searchParams, headers, reply, socket, count });
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    answer: (next) => (current = next),
    listen: () => listen(port),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.resetAndDestroy();
      }),
  };
}

export function connectTo(url: string, user: Record<string, unknown> = {}, namespace = 'own'): Connection {
  const entry = (name: string, value: Record<string, unknown>) => ({ name, folder: import.meta.dirname, value });
  const context: ActiveContext = {
    name: 'fake',
    namespace,
    cluster: entry('fake', { server: url }),
    user: entry('somebody', user),
  };
  return new Connection(context);
}

export const QUICK: Timing = {
  firstBackoff: 10,
  longestBackoff: 80,
  forbiddenRetry: 60,
  poll: 50,
  watchIdle: 150,
  watchSeconds: [240, 480],
  pageSize: 2,
};

export function service(
  name: string,
  version = '1',
): { metadata: { name: string; namespace: string; resourceVersion: string }; spec: object } {
  return { metadata: { name, namespace: 'n', resourceVersion: version }, spec: { clusterIP: '10.96.0.1' } };
}

export function list(items: readonly object[], resourceVersion: string, next?: string): string {
  return JSON.stringify({
    kind: 'ServiceList',
    metadata: { resourceVersion, ...(next ? { continue: next } : {}) },
    items,
  });
}

export function event(type: string, object: object): string {
  return `${JSON.stringify({ type, object })}\n`;
}

export function refuse(
  reply: http.ServerResponse,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  reply.writeHead(code, { 'content-type': 'application/json', ...headers });
  reply.end(JSON.stringify({ kind: 'Status', status: 'Failure', code, message }));
}

/** Settles when the condition holds; rejects with the description after ten seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 10_000; !holds();) {
    if (performance.now() > end) throw new Error(`not within ten seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
