/**
 * npm run test:property:long [-- RUNS [SEED]]: so many changed dumps (1,000,000) of every kind are read and traced through, with another seed every time
 * unless one is given. What fails is printed so that it can be pasted as a test. A dump that keeps the reader busy for too long is reported, too, and the
 * run goes on behind it.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { DumpText } from '../../src/netfilter/program-of.ts';
import { checkDumps } from './check-dump.ts';
import { KINDS, mutant } from './mutants.ts';

/** A dump takes a millisecond or so; on a busy machine, some. */
const HANGS_AFTER = 20_000;
/** Longer than this, twice, is told as well. */
const SLOW = 2_000;
/** So many changes are made to one dump. */
const PER_BASE = 32;

interface Work {
  readonly seed: string;
  readonly from: number;
  readonly to: number;
  /** The number that is being looked at. */
  readonly at: SharedArrayBuffer;
}

interface Failure {
  readonly index: number;
  readonly why: string;
}

function dumpsOf(seed: string, index: number): readonly DumpText[] {
  const kind = KINDS[index % KINDS.length]!;
  const base = Math.floor(index / KINDS.length / PER_BASE);
  return mutant(kind, `${seed} ${base}`, `${seed} ${index}`);
}

function whyNot(dumps: readonly DumpText[]): string | undefined {
  for (let again = 0; again < 2; again++) {
    const start = performance.now();
    try {
      checkDumps(dumps);
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 6).join('\n') : String(error);
    }
    const took = performance.now() - start;
    if (took < SLOW) return undefined;
    if (again === 1) return `takes ${(took / 1000).toFixed(1)} s`;
  }
  return undefined;
}

/** Pieces are taken away as long as it fails in the same way. */
function shrunk(dumps: readonly DumpText[], why: string): readonly DumpText[] {
  const reason = (text: string | undefined): string | undefined => text?.replace(/\d+/g, 'N').split('\n')[0];
  const fails = (some: readonly DumpText[]): boolean => reason(whyNot(some)) === reason(why);
  if (why.startsWith('takes')) return dumps;
  let now = dumps.length > 1 && fails(dumps.slice(0, 1)) ? dumps.slice(0, 1) : dumps;
  const end = performance.now() + 20_000;
  for (let size = now[0]!.text.length >> 1; size > 0; size >>= 1)
    for (let at = 0; at < now[0]!.text.length && performance.now() < end;) {
      const { name, text } = now[0]!;
      const less = [{ name, text: text.slice(0, at) + text.slice(at + size) }, ...now.slice(1)];
      if (fails(less)) now = less;
      else at += size;
    }
  return now;
}

function pasted(dumps: readonly DumpText[], { index, why }: Failure, seed: string): string {
  const list = dumps.map(({ name, text }) => `    { name: '${name}', text: ${JSON.stringify(text)} },`).join('\n');
  return `
// seed ${seed}, number ${index}: ${why.split('\n').join('\n// ')}
test('a changed dump is read and traced', () => {
  checkDumps([
${list}
  ]);
});`;
}

function work({ seed, from, to, at }: Work): void {
  const now = new Int32Array(at);
  for (let index = from; index < to; index++) {
    Atomics.store(now, 0, index);
    const dumps = dumpsOf(seed, index);
    const why = whyNot(dumps);
    if (why === undefined) continue;
    parentPort!.postMessage({ index, why } satisfies Failure);
    // Shrinking takes many tries, and is watched as one.
    parentPort!.postMessage(pasted(shrunk(dumps, why), { index, why }, seed));
  }
}

/** Returns the number of failures among [from, to), and where to go on after a hang. */
function watch(seed: string, from: number, to: number, progress: (at: number) => void): Promise<Watched> {
  return new Promise((resolve) => {
    const at = new SharedArrayBuffer(4);
    const now = new Int32Array(at);
    now[0] = from;
    const worker = new Worker(new URL(import.meta.url), { workerData: { seed, from, to, at } satisfies Work });
    let [seen, since, failed, shrinking] = [from, performance.now(), 0, false];
    const timer = setInterval(() => {
      const index = Atomics.load(now, 0);
      progress(index);
      if (index !== seen) [seen, since, shrinking] = [index, performance.now(), false];
      if (performance.now() - since < (shrinking ? 5 * HANGS_AFTER : HANGS_AFTER)) return;
      const why = `does not end within ${HANGS_AFTER / 1000} s`;
      if (!shrinking) console.log(pasted(dumpsOf(seed, index), { index, why }, seed));
      void worker.terminate();
      end({ next: index + 1, failed: failed + (shrinking ? 0 : 1) });
    }, 500);
    const end = (watched: Watched): void => {
      clearInterval(timer);
      resolve(watched);
    };
    worker.on('message', (told: Failure | string) => {
      if (typeof told === 'string') {
        console.log(told);
        return;
      }
      failed++;
      [seen, since, shrinking] = [told.index, performance.now(), true];
    });
    worker.on('error', (error) => {
      // Out of memory, or an exhausted stack that nothing catches.
      const index = Atomics.load(now, 0);
      console.log(pasted(dumpsOf(seed, index), { index, why: String(error) }, seed));
      end({ next: index + 1, failed: failed + 1 });
    });
    worker.on('exit', (code) => {
      if (code === 0) end({ next: to, failed });
    });
  });
}

interface Watched {
  readonly next: number;
  readonly failed: number;
}

async function main(): Promise<void> {
  const [wanted = '1000000', seed = String(Date.now())] = process.argv.slice(2);
  const runs = Number(wanted.replaceAll('_', ''));
  if (!Number.isSafeInteger(runs) || runs < 1) {
    console.error(`"${wanted}" is no number of runs: npm run test:property:long [-- RUNS [SEED]] was expected.`);
    process.exit(2);
  }
  console.log(`seed ${seed}: ${runs} changed dumps (${KINDS.join(', ')})`);
  const start = performance.now();
  let [failures, told] = [0, performance.now()];
  for (let from = 0; from < runs;) {
    // A new worker now and then, so that nothing piles up.
    const { next, failed } = await watch(seed, from, Math.min(runs, from + 50_000), (at) => {
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      console.log(`${at} of ${runs}, ${((told - start) / 1000).toFixed(0)} s`);
    });
    failures += failed;
    from = next;
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`seed ${seed}: ${runs} changed dumps in ${seconds} s, ${failures} failures`);
  process.exitCode = failures > 0 ? 1 : 0;
}

if (isMainThread) await main();
else work(workerData as Work);
