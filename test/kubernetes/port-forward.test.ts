import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { readMetrics, type LastWay } from '../../src/kubernetes/capture/metrics.ts';
import type { Executed } from '../../src/kubernetes/capture/exec.ts';
import { getByPortForward } from '../../src/kubernetes/capture/port-forward.ts';
import { connectTo } from './fake-api-server.ts';

const TARGET = { namespace: 'kube-system', pod: 'kube-proxy-x' };

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server that upgrades every request, sends the port's number on both channels, and lets the script answer what it is asked. */
async function forward(script: (socket: WebSocket, asked: string, url: string) => void, status = 101): Promise<string> {
  const server = http.createServer();
  const sockets = new Set<Socket>();
  const web = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.on('upgrade', (request, socket, head) => {
    if (status !== 101) return void socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
    web.handleUpgrade(request, socket, head, (upgraded) => {
      for (const channel of [0, 1]) upgraded.send(Buffer.from([channel, 0x09, 0x28]));
      upgraded.on('message', (data: Buffer) => script(upgraded, data.subarray(1).toString(), request.url ?? ''));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function ask(url: string, signal = AbortSignal.timeout(5000)): Promise<string> {
  const connection = connectTo(url);
  ends.push(() => connection.dispose());
  return getByPortForward(connection, TARGET, 10249, '/metrics', signal);
}

const say = (socket: WebSocket, channel: number, text: string): void =>
  socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));

describe('a request by port-forward', () => {
  it('has the body of the answer, in however many pieces it comes', async () => {
    const url = await forward((socket, asked, path) => {
      assert.match(path, /^\/api\/v1\/namespaces\/kube-system\/pods\/kube-proxy-x\/portforward\?ports=10249$/);
      assert.match(asked, /^GET \/metrics HTTP\/1\.1\r\n(.*\r\n)*Connection: close\r\n\r\n$/);
      for (const piece of ['HTTP/1.0 200 O', 'K\r\nA: b\r', '\n\r\none 1\n', 'two 2\n']) say(socket, 0, piece);
      socket.close();
    });
    assert.equal(await ask(url), 'one 1\ntwo 2\n');
  });

  it('does not wait for the end of the socket where the answer says how long it is', async () => {
    for (const [header, pieces] of [
      ['Content-Length: 12', ['one 1\n', 'two 2\n']],
      ['Transfer-Encoding: chunked', ['6\r\none', ' 1\n\r\n6\r\ntwo 2\n\r', '\n0\r\n\r\n']],
    ] as const) {
      const url = await forward((socket) => {
        say(socket, 0, `HTTP/1.1 200 OK\r\n${header}\r\n\r\n`);
        for (const piece of pieces) say(socket, 0, piece);
      });
      assert.equal(await ask(url), 'one 1\ntwo 2\n', header);
    }
  });

  it('fails with the words of the other side, with its status, and where it ends without an answer', async () => {
    const refused = await forward((socket) => say(socket, 1, 'connection refused'));
    await assert.rejects(ask(refused), /connection refused/);
    await assert.rejects(ask(await forward(() => undefined, 403)), /HTTP 403/);
    await assert.rejects(ask(await forward((socket) => socket.close())), /no answer from port 10249/);
    const missing = await forward((socket) => {
      say(socket, 0, 'HTTP/1.0 404 Not Found\r\n\r\nnothing');
      socket.close();
    });
    await assert.rejects(ask(missing), /HTTP 404/);
  });

  it('ends where nobody waits for it any more', async () => {
    const url = await forward(() => undefined);
    const start = performance.now();
    await assert.rejects(ask(url, AbortSignal.timeout(50)), { name: 'TimeoutError' });
    assert.ok(performance.now() - start < 1000);
  });
});

it('metrics come by port-forward where the image has no program to ask, and at once by it the next time', async () => {
  const ran: string[] = [];
  const ways = {
    run: async (command: readonly string[]) => {
      ran.push(command[0]!);
      return { stdout: '', stderr: '', exitCode: undefined, message: 'executable file not found in $PATH' };
    },
    forward: async (port: number, path: string) => {
      assert.deepEqual([port, path], [10249, '/metrics']);
      return 'go_goroutines 8\nkubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7\n';
    },
  };
  const last: LastWay = { way: 0 };
  for (const expected of [['curl', 'wget', 'bash'], []]) {
    ran.length = 0;
    const dump = await readMetrics(ways, '127.0.0.1:10249', new AbortController().signal, last);
    assert.equal(dump?.text, 'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7\n');
    assert.equal(dump.from, 'GET http://127.0.0.1:10249/metrics by port-forward');
    assert.deepEqual(ran, expected);
  }
});

it('over a connection so slow that there is no time for every way, the next capture tries the ways that are left', async () => {
  const slow = async <T>(value: T): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, 800));
    return value;
  };
  const ways = {
    run: () => slow({ stdout: '', stderr: '', exitCode: undefined, message: 'executable file not found in $PATH' }),
    forward: () => slow('kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7\n'),
  };
  const last: LastWay = { way: 0 };
  const dumps = [];
  for (let i = 0; i < 2; i++)
    dumps.push(await readMetrics(ways, '127.0.0.1:10249', new AbortController().signal, last));
  assert.equal(dumps[0], undefined);
  assert.equal(dumps[1]?.from, 'GET http://127.0.0.1:10249/metrics by port-forward');
});

it('who may not forward ports still has the metrics of nodes whose image has a program, after one without', async () => {
  const last: LastWay = { way: 0 };
  const forward = () => Promise.reject(new Error('HTTP 403'));
  const missing = { stdout: '', stderr: '', exitCode: undefined, message: 'executable file not found in $PATH' };
  const metrics = { stdout: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds 1.7\n', stderr: '', message: '' };
  const ask = (answer: Executed) =>
    readMetrics({ run: async () => answer, forward }, '127.0.0.1:10249', new AbortController().signal, last);
  assert.equal(await ask(missing), undefined);
  assert.match((await ask({ ...metrics, exitCode: 0 }))?.from ?? '', /^curl /);
});
