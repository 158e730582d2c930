import { formatEndpoint } from '../../src/netfilter/address.ts';
import type { Outcome } from '../../src/netfilter/outcome.ts';
import type { KernelAnswer } from './oracle.ts';

/**
 * Chi² over many shares: a single case of a few packets hardly shows a share that is off, hundreds together do.
 */
export class Shares {
  #sum = 0;
  #mean = 0;
  #variance = 0;
  #count = 0;

  add(outcomes: readonly Outcome[], kernel: KernelAnswer): void {
    const n = Object.values(kernel.accept).reduce((sum, one) => sum + one.n, 0);
    const shares = new Map<string, number>();
    let all = 0;
    for (const outcome of outcomes) {
      if (outcome.verdict !== 'accept' || outcome.assumptions.length > 0) continue;
      const to = formatEndpoint(outcome.destination, outcome.destinationPort);
      shares.set(to, (shares.get(to) ?? 0) + outcome.probability);
      all += outcome.probability;
    }
    for (const [to, weight] of shares) {
      const share = weight / all;
      const spread = n * share * (1 - share);
      if (n === 0 || spread < 1e-9) continue;
      const off = (kernel.accept[to]?.n ?? 0) - n * share;
      this.#sum += (off * off) / spread;
      this.#mean += 1;
      this.#variance += 2 + 1 / spread;
      this.#count++;
    }
  }

  /** In words, where the shares as a whole do not fit: beyond five standard deviations. */
  misfit(): string | undefined {
    // Shares of one case hang together (two of them mirror each other), which at most doubles the spread.
    const limit = this.#mean + 5 * Math.sqrt(2 * this.#variance);
    if (this.#sum <= limit) return undefined;
    return `chi² of ${this.#count} shares is ${this.#sum.toFixed(0)}, more than ${limit.toFixed(0)}`;
  }
}
