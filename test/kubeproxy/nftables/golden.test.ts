import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { configurationOf, override } from '../../../src/kubeproxy/configuration.ts';
import { expectedNftables } from '../../../src/kubeproxy/nftables/expected.ts';
import { parseRelease } from '../../../src/kubeproxy/version.ts';
import { asText, GOLDEN_CLUSTER } from './golden.ts';

/** UPDATE_GOLDEN=1 writes the files anew: read what changed before committing. */
const UPDATE = process.env['UPDATE_GOLDEN'] === '1';

for (const text of ['1.29.6', '1.30.14', '1.33.5', '1.33.13', '1.35.4', '1.36.3', '1.37.2'])
  test(`kube-proxy ${text} writes the table that golden/${text}.txt shows`, () => {
    const { configuration } = configurationOf(GOLDEN_CLUSTER, 'node-1');
    const settings = override(configuration, { mode: 'nftables', clusterCIDRs: ['10.244.0.0/16'] });
    const { nftables } = expectedNftables(GOLDEN_CLUSTER, 'node-1', settings, parseRelease(text)!, {
      family: 'ip',
      serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
    });
    const file = path.join(import.meta.dirname, 'golden', `${text}.txt`);
    const actual = asText(nftables);
    if (UPDATE) writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });
