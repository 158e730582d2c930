import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Collection } from '../../src/kubernetes/live/collection.ts';
import { backoff, listAndWatch, TIMING, type Health, type Resource } from '../../src/kubernetes/live/list-watch.ts';
import type { Service } from '../../src/kubernetes/objects.ts';
import {
  connectTo,
  event,
  list,
  QUICK,
  refuse,
  service,
  startFakeApiServer,
  until,
  type Asked,
  type FakeApiServer,
} from './fake-api-server.ts';

const SERVICES: Resource<'Service'> = {
  kind: 'Service',
  name: 'services',
  group: '/api/v1',
  namespaced: true,
  lost: 'no Services can be shown',
};

interface Followed {
  readonly names: () => string[];
  readonly healths: Health[];
  /** The names after each change. */
  readonly history: string[];
  readonly health: () => string;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function fake(script: (asked: Asked) => void): Promise<FakeApiServer> {
  const server = await startFakeApiServer(script);
  ends.push(() => server.close().catch(() => undefined));
  return server;
}

function follow(server: FakeApiServer, user: Record<string, unknown> = {}): Followed {
  const connection = connectTo(server.url, user);
  const abort = new AbortController();
  const collection = new Collection<Service>();
  const healths: Health[] = [];
  const history: string[] = [];
  const names = (): string[] => collection.list.map((each) => each.metadata.name);
  const changed = (): void => void history.push(names().join());
  const loop = listAndWatch(
    connection,
    SERVICES,
    'own',
    {
      replace: (objects) => (collection.replace(objects), changed()),
      upsert: (object) => (collection.upsert(object), changed()),
      remove: (object) => (collection.remove(object), changed()),
      health: (health) => healths.push(health),
    },
    abort.signal,
    QUICK,
  );
  ends.unshift(async () => {
    abort.abort();
    await loop;
    connection.dispose();
  });
  return { names, healths, history, health: () => healths.at(-1)?.kind ?? 'starting' };
}

const watched = (asked: { query: URLSearchParams }): boolean => asked.query.has('watch');
/** A watch that stays open and says this. */
const stay = (reply: Asked['reply'], ...events: string[]): void => {
  reply.writeHead(200);
  reply.write(events.join(''));
  reply.flushHeaders();
};

describe('following a kind of objects', () => {
  it('lists in pages, then watches from there', async () => {
    const server = await fake(({ query, reply }) => {
      if (query.has('watch')) stay(reply, event('ADDED', service('d', '8')), event('DELETED', service('a', '9')));
      else if (query.get('continue') === 'more') reply.end(list([service('c')], '7'));
      else reply.end(list([service('b'), service('a')], '7', 'more'));
    });
    const followed = follow(server);
    await until('the events are in', () => followed.names().join() === 'b,c,d');
    assert.deepEqual(followed.history, ['a,b,c', 'a,b,c,d', 'b,c,d']);
    const watch = server.asked.find(watched)!;
    assert.equal(server.asked[0]!.query.get('limit'), '2');
    assert.equal(watch.query.get('resourceVersion'), '7');
    assert.equal(watch.query.get('allowWatchBookmarks'), 'true');
    const seconds = Number(watch.query.get('timeoutSeconds'));
    assert.ok(seconds >= 240 && seconds <= 480);
    assert.deepEqual(followed.healths[0], { kind: 'following' });
  });

  it('reads packed lists', async () => {
    const server = await fake(({ query, reply, headers }) => {
      if (query.has('watch')) return stay(reply);
      assert.equal(headers['accept-encoding'], 'gzip');
      reply.writeHead(200, { 'content-encoding': 'gzip' });
      reply.end(gzipSync(list([service('a')], '1')));
    });
    const followed = follow(server);
    await until('the list is in', () => followed.names().join() === 'a');
  });

  it('lists in one piece when the pages have expired', async () => {
    const server = await fake(({ query, reply }) => {
      if (query.has('watch')) stay(reply);
      else if (query.has('continue')) refuse(reply, 410, 'the continue token is too old');
      else if (query.has('limit')) reply.end(list([service('a'), service('b')], '7', 'more'));
      else reply.end(list([service('a'), service('b'), service('c')], '9'));
    });
    const followed = follow(server);
    await until('the whole list is in', () => followed.names().join() === 'a,b,c');
    assert.deepEqual(followed.history, ['a,b,c']);
  });

  it('watches on from the last bookmark when a watch ends', async () => {
    let watches = 0;
    const server = await fake(({ query, reply }) => {
      if (!query.has('watch')) return reply.end(list([service('a')], '7'));
      if (watches++ > 0) return stay(reply);
      return reply.end(event('BOOKMARK', { metadata: { resourceVersion: '42' } }));
    });
    follow(server);
    await until('there are two watches', () => server.asked.filter(watched).length === 2);
    assert.deepEqual(
      server.asked.filter(watched).map((each) => each.query.get('resourceVersion')),
      ['7', '42'],
    );
    assert.equal(server.asked.length, 3);
  });

  for (const [how, expire] of [
    [
      'an event',
      (reply: Asked['reply']) => reply.end(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' })),
    ],
    ['a status', (reply: Asked['reply']) => refuse(reply, 410, 'too old resource version')],
  ] as const)
    it(`lists again, and keeps what it has until then, when the watch has expired (by ${how})`, async () => {
      let lists = 0;
      const server = await fake(({ query, reply }) => {
        if (query.has('watch')) return query.get('resourceVersion') === '1' ? expire(reply) : stay(reply);
        return reply.end(lists++ === 0 ? list([service('a')], '1') : list([service('b')], '90'));
      });
      const followed = follow(server);
      await until('the new list is in', () => followed.names().join() === 'b');
      assert.deepEqual(followed.history, ['a', 'b']);
      assert.ok(followed.healths.every((health) => health.kind === 'following'));
    });

  it('drops a line that was cut off and takes the watch up from the last whole one', async () => {
    const server = await fake(({ query, reply }) => {
      if (!query.has('watch')) return reply.end(list([], '1'));
      if (query.get('resourceVersion') !== '1') return stay(reply, event('ADDED', service('b', '3')));
      return reply.end(event('ADDED', service('a', '2')) + event('ADDED', service('b', '3')).slice(0, 40));
    });
    const followed = follow(server);
    await until('both are in', () => followed.names().join() === 'a,b');
    assert.deepEqual(followed.history, ['', 'a', 'a,b']);
    assert.deepEqual(
      server.asked.filter(watched).map((each) => each.query.get('resourceVersion')),
      ['1', '2'],
    );
  });

  it('survives a line that is no JSON, wherever chunks are split', async () => {
    let watches = 0;
    const server = await fake(({ query, reply }) => {
      if (!query.has('watch')) return void reply.end(list([], '1'));
      stay(reply);
      const text = watches++ === 0 ? `${event('ADDED', service('ä', '2'))}<html>\n` : event('ADDED', service('b', '3'));
      for (const byte of Buffer.from(text)) reply.write(Buffer.from([byte]));
    });
    const followed = follow(server);
    await until('the event after it is in', () => followed.names().join() === 'b,ä');
  });

  it('takes up a watch that was reset without telling anybody', async () => {
    let watches = 0;
    const server = await fake(({ query, reply, socket }) => {
      if (!query.has('watch')) return void reply.end(list([], '1'));
      stay(reply, event('ADDED', service(`s${watches}`, String(10 + watches))));
      if (watches++ === 0) setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const followed = follow(server);
    await until('the second watch has spoken', () => followed.names().join() === 's0,s1');
    assert.ok(followed.healths.every((health) => health.kind === 'following'));
  });

  it('gives up a watch on which nothing comes, as on a connection that is open at one end alone', async () => {
    const server = await fake(({ query, reply }) => {
      if (query.has('watch')) stay(reply);
      else reply.end(list([service('a')], '1'));
    });
    const followed = follow(server);
    const start = performance.now();
    await until('there is a second watch', () => server.asked.filter(watched).length === 2);
    assert.ok(performance.now() - start >= QUICK.watchIdle - 20);
    assert.ok(followed.names().join() === 'a');
  });

  it('keeps what it has while the server is away, says so, and goes on when it is back', async () => {
    const script = ({ query, reply }: Asked): void => {
      if (query.has('watch'))
        stay(reply, query.get('resourceVersion') === '1' ? event('ADDED', service('b', '2')) : '');
      else reply.end(list([service('a')], '1'));
    };
    const server = await fake(script);
    const followed = follow(server);
    await until('both are in', () => followed.names().join() === 'a,b');
    await server.close();
    await until('the loss is told', () => followed.health() === 'lost');
    const lost = followed.healths.at(-1)!;
    assert.ok(lost.kind === 'lost' && lost.problem.code === 'unreachable');
    assert.equal(lost.problem.message, `Nothing listens at ${server.url}`);
    assert.equal(followed.names().join(), 'a,b');
    server.answer(({ query, reply }) => {
      assert.equal(query.get('resourceVersion'), '2');
      stay(reply, event('DELETED', service('a', '5')));
    });
    await server.listen();
    await until('it goes on', () => followed.names().join() === 'b' && followed.health() === 'following');
  });

  it('is well again as soon as a watch is open, however long the server was away and however quiet it is now', async () => {
    const server = await fake(({ query, reply }) => {
      if (query.has('watch')) stay(reply);
      else reply.end(list([service('a')], '1'));
    });
    const connection = connectTo(server.url);
    const abort = new AbortController();
    const healths: string[] = [];
    const nothing = (): void => undefined;
    const health = (each: Health): void => void healths.push(each.kind);
    const sink = { replace: nothing, upsert: nothing, remove: nothing, health };
    const timing = { ...QUICK, watchIdle: 60_000 };
    const loop = listAndWatch(connection, SERVICES, 'own', sink, abort.signal, timing);
    ends.unshift(async () => {
      abort.abort();
      await loop;
      connection.dispose();
    });
    await until('it watches', () => server.asked.some(watched));
    await server.close();
    await until('many tries were in vain', () => healths.filter((each) => each === 'lost').length > 6);
    await server.listen();
    await until('it is well again', () => healths.at(-1) === 'following');
    assert.equal(server.asked.filter((asked) => !watched(asked)).length, 1, 'without another list');
  });

  it('does not ask in a circle where each watch ends at once', async () => {
    const server = await fake(
      ({ query, reply }) => void reply.end(query.has('watch') ? '' : list([service('a')], '1')),
    );
    const followed = follow(server);
    await until('some were tried', () => server.asked.length > 3);
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok(server.asked.length < 30, `${server.asked.length} requests`);
    assert.equal(followed.names().join(), 'a');
  });

  it('does not list in a circle where each watch expires at once', async () => {
    const expired = event('ERROR', { kind: 'Status', code: 410 });
    const server = await fake(
      ({ query, reply }) => void reply.end(query.has('watch') ? expired : list([service('a')], '1')),
    );
    const followed = follow(server);
    await until('some were tried', () => server.asked.length > 3);
    const before = server.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.ok(server.asked.length - before < 40, `${server.asked.length - before} requests`);
    assert.equal(followed.names().join(), 'a');
  });

  it('waits as long as a busy server asks for', async () => {
    let first = 0;
    const server = await fake(({ count, query, reply }) => {
      if (count === 0) {
        first = performance.now();
        return refuse(reply, 429, 'too many requests', { 'retry-after': '1' });
      }
      return query.has('watch') ? stay(reply) : void reply.end(list([service('a')], '1'));
    });
    const followed = follow(server);
    await until('the list is in', () => followed.names().join() === 'a');
    assert.ok(performance.now() - first >= 990);
    assert.match(JSON.stringify(followed.healths[0]), /cannot serve now/);
  });

  it('may look into its own namespace alone where the others are forbidden, and says so', async () => {
    const server = await fake(({ path, query, reply }) => {
      if (path === '/api/v1/services') return refuse(reply, 403, 'services is forbidden');
      assert.equal(path, '/api/v1/namespaces/own/services');
      return query.has('watch') ? stay(reply) : void reply.end(list([service('a')], '1'));
    });
    const followed = follow(server);
    await until('the list is in', () => followed.names().join() === 'a');
    const [health] = followed.healths;
    assert.ok(health?.kind === 'following' && health.reduced?.code === 'forbidden');
    assert.match(health.reduced.message, /services in the namespace own alone/);
  });

  it('says which verb is forbidden and what is lost, and tries again later', async () => {
    let allowed = false;
    const server = await fake(({ query, reply }) => {
      if (!allowed) return refuse(reply, 403, 'User "x" cannot list resource "services"');
      return query.has('watch') ? stay(reply) : void reply.end(list([service('a')], '1'));
    });
    const followed = follow(server);
    await until('the refusal is told', () => followed.health() === 'refused');
    const [health] = followed.healths;
    assert.ok(health?.kind === 'refused');
    assert.equal(health.problem.message, 'You may not list services: no Services can be shown');
    assert.match(health.problem.advice, /list and watch on services/);
    assert.equal(health.problem.detail, 'User "x" cannot list resource "services"');
    allowed = true;
    await until('the list is in', () => followed.names().join() === 'a');
  });

  it('lists from time to time where watching alone is forbidden', async () => {
    let lists = 0;
    const server = await fake(({ query, reply }) => {
      if (query.has('watch')) return refuse(reply, 403, 'User "x" cannot watch resource "services"');
      return void reply.end(list([service(`s${lists++}`)], '1'));
    });
    const followed = follow(server);
    await until('there is a third list', () => followed.names().join() === 's2');
    assert.match(JSON.stringify(followed.healths.at(-1)), /You may not watch services/);
  });

  it('takes a refusal for a server that has just started where it was let in before', async () => {
    let refusals = 0;
    const server = await fake(({ query, reply }) => {
      if (!query.has('watch')) return void reply.end(list([service('a')], '1'));
      if (query.get('resourceVersion') === '1') return void reply.end(event('ADDED', service('b', '2')));
      return refusals++ < 3
        ? refuse(reply, 403, 'RBAC: clusterrole not found')
        : stay(reply, event('ADDED', service('c', '3')));
    });
    const followed = follow(server);
    await until('it goes on', () => followed.names().join() === 'a,b,c');
    assert.ok(followed.healths.every((health) => health.kind === 'following' && !health.reduced));
  });

  it('says that credentials are not accepted', async () => {
    const server = await fake(({ reply }) => refuse(reply, 401, 'Unauthorized'));
    const followed = follow(server);
    await until('it is told', () => followed.health() === 'lost');
    assert.match(JSON.stringify(followed.healths), /"unauthorized"/);
  });

  it('gets a new credential from the plugin when the old one is no longer accepted', async () => {
    const server = await fake(({ headers, query, reply }) => {
      const number = Number(/^Bearer token-(\d+)$/.exec(headers.authorization ?? '')?.[1]);
      if (!(number > 1)) return refuse(reply, 401, 'Unauthorized');
      return query.has('watch') ? stay(reply) : void reply.end(list([service(`by-token-${number}`)], '1'));
    });
    const folder = await mkdtemp(path.join(os.tmpdir(), 'plugin-'));
    ends.push(() => rm(folder, { recursive: true }));
    const counter = path.join(folder, 'counter');
    const script = `const fs = require('node:fs'); let n = 1; try { n += Number(fs.readFileSync(${JSON.stringify(counter)})); } catch {}
      fs.writeFileSync(${JSON.stringify(counter)}, String(n)); console.log(JSON.stringify({ status: { token: 'token-' + n } }));`;
    const followed = follow(server, { exec: { command: process.execPath, args: ['-e', script] } });
    await until('the list is in', () => followed.names().join() === 'by-token-2');
    assert.ok(followed.healths.every((health) => health.kind === 'following'));
  });

  for (const [what, end] of [
    ['fails', 'process.exit(1)'],
    ['gives what the server does not accept', `console.log('{"status": {"token": "old"}}')`],
  ] as const)
    it(`does not ask a plugin that ${what} again and again: it may open a browser each time`, async () => {
      const server = await fake(({ reply }) => refuse(reply, 401, 'Unauthorized'));
      const folder = await mkdtemp(path.join(os.tmpdir(), 'plugin-'));
      ends.push(() => rm(folder, { recursive: true }));
      const file = JSON.stringify(path.join(folder, 'asked'));
      const script = `require('node:fs').appendFileSync(${file}, '.'); ${end}`;
      const followed = follow(server, { exec: { command: process.execPath, args: ['-e', script] } });
      await until('it was tried several times', () => followed.healths.length > 4);
      const asked = await readFile(path.join(folder, 'asked'), 'utf8');
      assert.ok(asked.length <= 2, asked);
      assert.equal(followed.health(), 'lost');
    });
});

describe('the wait between two tries', () => {
  it('doubles up to the longest, spread by chance', () => {
    for (const [failures, full] of [
      [1, 250],
      [2, 500],
      [4, 2000],
      [7, 10_000],
      [100, 10_000],
    ] as const)
      for (let i = 0; i < 50; i++) {
        const ms = backoff(failures, TIMING);
        assert.ok(ms >= full / 2 && ms <= full, `${failures}: ${ms}`);
      }
  });
});
