import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { execute, type ExecOptions, type Executed } from '../../src/kubernetes/capture/exec.ts';
import { Trouble } from '../../src/kubernetes/live/trouble.ts';
import type { Problem } from '../../src/kubernetes/source.ts';
import { connectTo } from './fake-api-server.ts';

const TARGET = { namespace: 'kube-system', pod: 'kube-proxy-x', container: 'kube-proxy' };

interface Kubelet {
  readonly url: string;
  readonly sockets: ReadonlySet<Socket>;
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server that upgrades every request and lets the script speak on the socket. */
async function kubelet(
  script: (socket: WebSocket, url: URL, raw: Socket) => void,
  refusal?: (response: http.ServerResponse | Socket) => void,
): Promise<Kubelet> {
  const server = http.createServer();
  const sockets = new Set<Socket>();
  const web = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    if (refusal) {
      socket.resume();
      return refusal(socket as Socket);
    }
    web.handleUpgrade(request, socket, head, (upgraded) =>
      script(upgraded, new URL(request.url ?? '', 'http://fake'), socket as Socket),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function run(url: string, options: ExecOptions = {}): Promise<Executed> {
  const connection = connectTo(url);
  ends.push(() => connection.dispose());
  return execute(connection, TARGET, ['iptables-save', '-t', 'nat'], options);
}

async function problemOf(result: Promise<unknown>): Promise<Problem> {
  const error = await result.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Trouble, String(error));
  return error.problem;
}

const say = (socket: WebSocket, channel: number, data: string | Buffer): void =>
  socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
const succeed = (socket: WebSocket): void => {
  say(socket, 3, '{"status":"Success"}');
  socket.close();
};

describe('a command in a pod', () => {
  it('is asked for by its arguments, without a shell, a terminal or input', async () => {
    let asked: URL | undefined;
    const { url } = await kubelet((socket, at) => {
      asked = at;
      succeed(socket);
    });
    assert.deepEqual(await run(url), { stdout: '', stderr: '', exitCode: 0, message: '' });
    assert.equal(asked?.pathname, '/api/v1/namespaces/kube-system/pods/kube-proxy-x/exec');
    assert.deepEqual(asked.searchParams.getAll('command'), ['iptables-save', '-t', 'nat']);
    assert.equal(asked.searchParams.get('container'), 'kube-proxy');
    assert.equal(asked.searchParams.has('stdin') || asked.searchParams.has('tty'), false);
  });

  it('says on both streams what it says, characters in two pieces included', async () => {
    const word = Buffer.from('größer');
    const { url } = await kubelet((socket) => {
      say(socket, 1, word.subarray(0, 3));
      say(socket, 2, 'a warning');
      say(socket, 1, word.subarray(3));
      say(socket, 1, '');
      succeed(socket);
    });
    const { stdout, stderr } = await run(url);
    assert.deepEqual([stdout, stderr], ['größer', 'a warning']);
  });

  it('may say 120 MB', async () => {
    const chunk = Buffer.alloc(32 * 1024, 'x');
    const { url } = await kubelet((socket) => {
      let left = (120 * 1024 * 1024) / chunk.length;
      const more = (): void => {
        while (left-- > 0) {
          say(socket, 1, chunk);
          if (socket.bufferedAmount > 1 << 22) return void setTimeout(more, 1);
        }
        succeed(socket);
      };
      more();
    });
    assert.equal((await run(url)).stdout.length, 120 * 1024 * 1024);
  });

  it('ends with its exit code', async () => {
    const { url } = await kubelet((socket) => {
      say(socket, 2, 'not found');
      const details = { causes: [{ reason: 'ExitCode', message: '3' }] };
      say(socket, 3, JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', message: 'exit code 3', details }));
      socket.close();
    });
    assert.deepEqual(await run(url), { stdout: '', stderr: 'not found', exitCode: 3, message: 'exit code 3' });
  });

  it('that could not be started has no exit code, but the runtime’s words', async () => {
    const message = 'exec: "nft": executable file not found in $PATH';
    const { url } = await kubelet((socket) => {
      say(socket, 3, JSON.stringify({ status: 'Failure', reason: 'InternalError', message, code: 500 }));
      socket.close();
    });
    assert.deepEqual(await run(url), { stdout: '', stderr: '', exitCode: undefined, message });
  });

  for (const [how, drop] of [
    ['is closed', (socket: WebSocket) => socket.close()],
    ['is reset', (_: WebSocket, raw: Socket) => void raw.resetAndDestroy()],
    ['just ends', (_: WebSocket, raw: Socket) => void raw.end()],
    [
      'has half of a status',
      (socket: WebSocket) => {
        say(socket, 3, '{"status":"Suc');
        socket.close();
      },
    ],
  ] as const)
    it(`has failed where the socket ${how} before a status, whatever came before`, async () => {
      const { url } = await kubelet((socket, _, raw) => {
        say(socket, 1, '*nat\nCOMMIT\n');
        setTimeout(() => drop(socket, raw), 20);
      });
      const problem = await problemOf(run(url));
      assert.equal(problem.code, 'exec-failed');
      assert.match(problem.message, /ended before the end of iptables-save -t nat in kube-system\/kube-proxy-x/);
    });

  it('has failed where nothing comes any more', async () => {
    const { url, sockets } = await kubelet((socket) => say(socket, 1, '*nat'));
    const problem = await problemOf(run(url, { idleMs: 60 }));
    assert.match(problem.detail ?? '', /nothing came for 0.06 s/);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(sockets.size, 0);
  });

  it('has failed where a server that answered pings is gone, however long a command may be silent', async () => {
    const { url } = await kubelet((_socket, _url, raw) => void setTimeout(() => raw.pause(), 100));
    const problem = await problemOf(run(url, { pingMs: 20 }));
    assert.match(problem.detail ?? '', /no answer to pings/);
  });

  it('may be silent for long where the server answers pings, or none at all', async () => {
    for (const autoPong of [true, false]) {
      const { url } = await kubelet((socket) => {
        (socket as WebSocket & { _autoPong: boolean })._autoPong = autoPong;
        setTimeout(() => succeed(socket), 300);
      });
      assert.equal((await run(url, { pingMs: 20 })).exitCode, 0);
    }
  });

  it('has failed where the server does not answer at all', async () => {
    const { url } = await kubelet(
      () => undefined,
      () => undefined,
    );
    const problem = await problemOf(run(url, { openMs: 60 }));
    assert.match(problem.message, /could not be started/);
  });

  it('closes its socket when it is cancelled', async () => {
    const { url, sockets } = await kubelet((socket) => say(socket, 1, '*nat'));
    const abort = new AbortController();
    const result = run(url, { signal: abort.signal });
    setTimeout(() => abort.abort(), 40);
    await assert.rejects(result, { name: 'AbortError' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(sockets.size, 0);
  });

  it('closes its socket when it is cancelled while it is being opened', async () => {
    const { url, sockets } = await kubelet(
      () => undefined,
      () => undefined,
    );
    const result = run(url, { signal: AbortSignal.timeout(40) });
    await assert.rejects(result, { name: 'TimeoutError' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(sockets.size, 0);
  });

  it('may be forbidden: both verbs are named', async () => {
    const body = JSON.stringify({ kind: 'Status', code: 403, message: 'cannot create resource "pods/exec"' });
    const { url } = await kubelet(
      () => undefined,
      (socket) =>
        void (socket as Socket).end(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
    );
    const problem = await problemOf(run(url));
    assert.equal(problem.code, 'forbidden');
    assert.match(problem.advice, /get and create on pods\/exec in kube-system/);
    assert.equal(problem.detail, 'cannot create resource "pods/exec"');
  });

  it('may meet a kubelet that is away', async () => {
    const { url } = await kubelet(
      () => undefined,
      (socket) => void (socket as Socket).end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!'),
    );
    const problem = await problemOf(run(url));
    assert.equal(problem.code, 'exec-failed');
    assert.match(problem.message, /HTTP 502/);
    assert.match(problem.advice, /kubelet/);
  });

  it('cannot be run where nothing listens', async () => {
    const problem = await problemOf(run('http://127.0.0.1:1'));
    assert.equal(problem.code, 'unreachable');
  });
});
