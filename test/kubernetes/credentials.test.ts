import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { runPlugin } from '../../src/kubernetes/live/credential-plugin.ts';
import type { KubeconfigEntry } from '../../src/kubernetes/live/kubeconfig.ts';
import { proxyFor } from '../../src/kubernetes/live/proxy.ts';
import { Trouble, unreachable } from '../../src/kubernetes/live/trouble.ts';
import type { Problem } from '../../src/kubernetes/source.ts';
import { connectTo } from './fake-api-server.ts';

const folder = await mkdtemp(path.join(os.tmpdir(), 'credentials-'));
after(() => rm(folder, { recursive: true }));

const CLUSTER: KubeconfigEntry = {
  name: 'c',
  folder,
  value: {
    server: 'https://api:6443',
    'certificate-authority-data': 'Q0E=',
    extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'us' } }],
  },
};

const user = (exec: Record<string, unknown>): KubeconfigEntry => ({ name: 'u', folder, value: { exec } });
const node = (code: string, more: Record<string, unknown> = {}): KubeconfigEntry =>
  user({ command: process.execPath, args: ['-e', code], ...more });

async function problemOf(entry: KubeconfigEntry, timeoutMs?: number): Promise<Problem> {
  const error = await runPlugin(entry, CLUSTER, timeoutMs).then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Trouble, String(error));
  assert.equal(error.problem.code, 'credential-plugin');
  return error.problem;
}

describe('a credential plugin', () => {
  it('gives a token and says until when', async () => {
    const status = { token: 't', expirationTimestamp: '2030-01-02T03:04:05Z' };
    const credential = await runPlugin(node(`console.log(${JSON.stringify(JSON.stringify({ status }))})`), CLUSTER);
    assert.deepEqual(credential, { token: 't', expires: Date.UTC(2030, 0, 2, 3, 4, 5) });
  });

  it('is told about the cluster where it asks for that, and has its own environment', async () => {
    const echo = 'console.log(JSON.stringify({status: {token: process.env.KUBERNETES_EXEC_INFO + process.env.MORE}}))';
    const env = [{ name: 'MORE', value: '!' }];
    const { token } = await runPlugin(
      node(echo, { env, provideClusterInfo: true, apiVersion: 'client.authentication.k8s.io/v1' }),
      CLUSTER,
    );
    assert.deepEqual(JSON.parse(token!.slice(0, -1)), {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: {
        interactive: false,
        cluster: { server: 'https://api:6443', 'certificate-authority-data': 'Q0E=', config: { audience: 'us' } },
      },
    });
    const { token: bare } = await runPlugin(node(echo, { env }), CLUSTER);
    assert.equal((JSON.parse(bare!.slice(0, -1)) as { spec: object }).spec.hasOwnProperty('cluster'), false);
  });

  it('with a slash in its name is looked for from the kubeconfig’s folder', async () => {
    const script = path.join(folder, 'plugin');
    await writeFile(script, '#!/bin/sh\necho \'{"status": {"token": "near"}}\'\n');
    await chmod(script, 0o755);
    assert.equal((await runPlugin(user({ command: './plugin' }), CLUSTER)).token, 'near');
  });

  it('that is not there is named, with its own hint or what PATH has to do with it', async () => {
    const found = await problemOf(user({ command: 'no-such-plugin' }));
    assert.equal(found.message, 'The credential plugin no-such-plugin was not found');
    assert.match(found.advice, /full path/);
    assert.match(
      (await problemOf(user({ command: 'no-such-plugin', installHint: 'Install it so.' }))).advice,
      /Install it so\./,
    );
  });

  it('that fails, says nonsense or waits for an answer is ended with its own words', async () => {
    assert.equal((await problemOf(node('console.error("sign in first"); process.exit(3)'))).detail, 'sign in first');
    assert.match((await problemOf(node('console.log("hello")'))).message, /printed no ExecCredential/);
    assert.match((await problemOf(node('console.log("{}")'))).detail ?? '', /expected an object with status/);
    const start = performance.now();
    assert.match((await problemOf(node('setInterval(() => {}, 1000)'), 300)).detail ?? '', /nothing within 0\.3 s/);
    assert.ok(performance.now() - start < 2000);
  });
});

describe('a connection', () => {
  it('says who it is: token, token file, password, impersonation', async () => {
    const heads: http.IncomingHttpHeaders[] = [];
    const server = http.createServer((request, reply) => {
      heads.push(request.headers);
      reply.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = path.join(folder, 'token');
    await writeFile(file, 'from-file');
    for (const value of [
      { token: 'secret' },
      { tokenFile: file, token: 'older' },
      { username: 'jane', password: 'pw' },
      { token: 't', as: 'joe', 'as-groups': ['devs', 'ops'] },
    ]) {
      const connection = connectTo(url, value);
      const reply = await connection.get('/version');
      for await (const chunk of reply.body) void chunk;
      connection.dispose();
    }
    assert.deepEqual(
      heads.map((head) => [head.authorization, head['impersonate-user'], head['impersonate-group']]),
      [
        ['Bearer secret', undefined, undefined],
        ['Bearer from-file', undefined, undefined],
        [`Basic ${Buffer.from('jane:pw').toString('base64')}`, undefined, undefined],
        ['Bearer t', 'joe', 'devs, ops'],
      ],
    );
  });

  it('that names a certificate which is not there says so', async () => {
    const connection = connectTo('https://127.0.0.1:1', { 'client-certificate': 'gone.crt', 'client-key': 'gone.key' });
    const error = await connection.get('/').catch((reason: unknown) => reason);
    assert.ok(error instanceof Trouble && error.problem.code === 'bad-kubeconfig');
    assert.match(error.problem.detail ?? '', /gone\.crt/);
  });

  it('gives up a server that takes the connection and says nothing', async () => {
    const server = http.createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => (server.closeAllConnections(), server.close()));
    const connection = connectTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const error = await connection.get('/', { timeoutMs: 50 }).catch((reason: unknown) => reason);
    assert.ok(error instanceof Trouble && error.problem.code === 'unreachable');
    assert.match(error.problem.message, /does not answer/);
    connection.dispose();
  });

  it('fails with words for what Node says', () => {
    const words = (code: string): string =>
      unreachable('https://api', Object.assign(new Error(code), { code })).message;
    assert.match(words('ENOTFOUND'), /cannot be resolved/);
    assert.match(words('CERT_HAS_EXPIRED'), /certificate .* not accepted \(CERT_HAS_EXPIRED\)/);
    assert.match(words('ERR_TLS_CERT_ALTNAME_INVALID'), /certificate/);
    assert.match(words('EPROTO'), /does not speak TLS/);
    assert.match(words('ECONNRESET'), /failed/);
  });
});

describe('the proxy of a server', () => {
  const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '10.0.0.0/8,.corp.example,example.org,host.test:6443' };
  for (const [server, proxy] of [
    ['https://api.example.com:6443', 'http://proxy:3128'],
    ['http://api.example.com', undefined], // that is HTTP_PROXY's
    ['https://10.1.2.3:6443', undefined],
    ['https://11.1.2.3:6443', 'http://proxy:3128'],
    ['https://api.corp.example', undefined],
    ['https://corp.example', 'http://proxy:3128'],
    ['https://example.org', undefined],
    ['https://api.example.org', undefined],
    ['https://host.test:6443', undefined],
    ['https://host.test:8443', 'http://proxy:3128'],
    ['https://127.0.0.1:6443', undefined],
    ['https://[::1]:6443', undefined],
  ] as const)
    it(`${proxy === undefined ? 'is none' : 'is the environment’s'} for ${server}`, () => {
      assert.equal(proxyFor(server, env), proxy);
    });

  it('may be written in small letters and without a scheme', () => {
    assert.equal(proxyFor('https://api', { https_proxy: 'proxy:3128' }), 'http://proxy:3128');
  });
});
