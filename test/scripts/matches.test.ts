import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { format } from 'prettier';
import { MATCHES_PAGE, matchesPage } from '../../scripts/matches.ts';

const plain = async (text: string): Promise<string> => format(text, { parser: 'markdown' });

test('docs/matches.md lists what the code knows (node scripts/matches.ts writes it)', async () => {
  assert.equal(await plain(readFileSync(MATCHES_PAGE, 'utf8')), await plain(matchesPage()));
});
