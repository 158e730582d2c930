import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startServer } from '../../scripts/vscode/server.ts';

test("A port that somebody else answers on is refused, and not taken for our server's", async () => {
  const other = createServer((_, response) => response.end('not VS Code'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    await assert.rejects(startServer({ port }), {
      message: new RegExp(`^Port ${port} of 127\\.0\\.0\\.1 is in use\\.`),
    });
  } finally {
    other.close();
  }
});
