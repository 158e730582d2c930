/**
 * Random clusters that kube-proxies of older releases programmed, recorded (test/drift/record.ts makes such recordings; random.test.ts there
 * makes new clusters). "changed" ones were changed 80 times while kube-proxy ran: what is written bit by bit is what would be written at once.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { zipFiles } from '../../src/kubernetes/snapshot/files.ts';
import { judge } from '../drift/judge.ts';

const FOLDER = path.resolve(import.meta.dirname, '../recordings-random');

for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.zip')))
  test(`the rules computed for the random cluster ${name.replace('.zip', '')} are those that its kube-proxies wrote`, async () => {
    const { differences, compared, withoutZone } = await judge(zipFiles(readFileSync(path.join(FOLDER, name))), name);
    assert.deepEqual([differences, withoutZone], [[], []]);
    assert.ok(compared > 1000, `${compared} lines`);
  });
