import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ensurePackages } from '../../scripts/machine.ts';

/** A node's network as oracle.py sets it up. */
export interface OracleNetwork {
  readonly interfaces: readonly string[];
  readonly addresses: readonly (readonly [prefix: string, interfaceName: string])[];
  readonly routes: readonly (readonly [prefix: string, interfaceName: string])[];
}

export interface OracleCase {
  /** An interface, or "local". */
  readonly in: string;
  readonly src: string;
  readonly dst: string;
  readonly proto: 'tcp' | 'udp' | 'sctp' | 'icmp';
  readonly dport?: number;
  /** Fixed; without it every packet has another one from 20000 up. */
  readonly sport?: number;
  /** The packets belong to known connections: of each the first packet and its answer went before. Not for local senders. */
  readonly known?: boolean;
  /** How many packets. */
  readonly n: number;
}

export interface OracleJob {
  /** Commands with their standard input, in the order of loading. */
  readonly load: readonly { readonly run: readonly string[]; readonly input: string }[];
  readonly network: OracleNetwork;
  readonly cases: readonly OracleCase[];
  /** Commands whose output is wanted, after the packets. */
  readonly list?: readonly (readonly string[])[];
}

export interface KernelAnswer {
  /** By destination, "IP:port". */
  readonly accept: Readonly<
    Record<
      string,
      { readonly n: number; readonly masquerade: number; readonly sources: Readonly<Record<string, number>> }
    >
  >;
  /** By the answer: "icmp 3", "icmp6 4", "tcp-reset". */
  readonly reject: Readonly<Record<string, number>>;
  readonly drop: number;
}

export type OracleAnswer =
  { readonly cases: readonly KernelAnswer[]; readonly lists: readonly string[] } | { readonly error: string };

/** The kernel, behind oracle.py; one job at a time. */
export class Oracle {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** Installs what is missing; throws where the kernel cannot be asked. */
  constructor() {
    const why = whyNoKernel();
    if (why) throw new Error(why);
    ensurePackages(['python3', 'iproute2', 'iptables', 'nftables', 'ipset'], 'asking the kernel');
    this.#process = spawn('python3', [path.join(import.meta.dirname, 'oracle.py')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  async ask(job: OracleJob): Promise<OracleAnswer> {
    this.#process.stdin!.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('oracle.py ended; its own words are above');
    return JSON.parse(value) as OracleAnswer;
  }

  close(): void {
    this.#process.stdin!.end();
  }
}

/** Why the kernel cannot be asked here; undefined where it can. */
export function whyNoKernel(): string | undefined {
  if (process.platform !== 'linux') return 'the kernel can be asked on Linux alone';
  if (process.getuid?.() !== 0) return 'asking the kernel needs root: sudo npm run test:kernel';
  return undefined;
}
