import type { Problem } from '../source.ts';

/** A problem on its way through this folder and capture/; at their edge it becomes a value. */
export class Trouble extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** What Node says of a connection that failed, in words and with a next step. */
export function unreachable(server: string, error: unknown): Problem {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  const problem = (message: string, advice: string): Problem => ({ code: 'unreachable', message, advice, detail });
  if (code === 'ECONNREFUSED')
    return problem(`Nothing listens at ${server}`, 'Check that the cluster is running, and that this is its address.');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return problem(
      `The name in ${server} cannot be resolved`,
      'Check the network connection, the VPN and the server’s name.',
    );
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return problem(
      `${server} does not answer`,
      'Check the network connection and the VPN; a firewall may be in the way.',
    );
  if (code !== undefined && /CERT|SIGNATURE|ALTNAME/.test(code))
    return problem(
      `The certificate of ${server} is not accepted (${code})`,
      'Check certificate-authority and tls-server-name in the kubeconfig, and the clock of this machine.',
    );
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL'))
    return problem(
      `${server} does not speak TLS as expected`,
      'Check the server’s address and port in the kubeconfig, and the proxy.',
    );
  return problem(
    `The connection to ${server} failed`,
    'It is tried again; check the network connection if it stays so.',
  );
}

export function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
