import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probability } from '../../../src/kubeproxy/iptables/probability.ts';

test('probabilities are printed as iptables-save prints what the kernel keeps of them', () => {
  // Written with ten decimals, loaded and saved by iptables 1.8.9.
  const saved: Readonly<Record<number, string>> = {
    1: '1.00000000000',
    2: '0.50000000000',
    3: '0.33333333349',
    6: '0.16666666651',
    7: '0.14285714272',
    11: '0.09090909082',
    13: '0.07692307699',
    97: '0.01030927850',
    1000: '0.00100000016',
    2048: '0.00048828125',
    4096: '0.00024414062',
  };
  for (const [n, text] of Object.entries(saved)) assert.equal(probability(Number(n)), text, `1/${n}`);
});

test('each is a multiple of 2^-31', () => {
  for (let n = 1; n <= 5000; n++) {
    const kept = Number(probability(n)) * 2 ** 31;
    assert.ok(Math.abs(kept - Math.round(kept)) < 0.02, `1/${n}`);
  }
});
