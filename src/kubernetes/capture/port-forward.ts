/**
 * One HTTP request to a port of a pod's loopback, as `kubectl port-forward` reaches it, over a web socket: two channels, for bytes and for what
 * went wrong, each of which begins with the port's number. Needs no program in the pod.
 */
import { WebSocket } from 'ws';
import type { Connection } from '../live/connection.ts';
import type { Target } from './exec.ts';

const [DATA, ERROR] = [0, 1];
/** The port's number, on each channel before anything else. */
const NUMBER = 2;

/** The body of the answer. Rejects where there is none, or another than 200; with the signal's reason where it aborts. */
export async function getByPortForward(
  connection: Connection,
  { namespace, pod }: Pick<Target, 'namespace' | 'pod'>,
  port: number,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const { url, options } = await connection.webSocket(
    `/api/v1/namespaces/${namespace}/pods/${pod}/portforward?ports=${port}`,
  );
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['v4.channel.k8s.io'], {
      ...options,
      perMessageDeflate: false,
    } as ConstructorParameters<typeof WebSocket>[2]);
    const received: Buffer[][] = [[], []];
    const settle = (end: () => void): void => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.terminate();
      end();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const abort = (): void => fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    const said = (channel: number): Buffer => Buffer.concat(received[channel]!).subarray(NUMBER);
    const end = (): void => {
      const body = bodyOf(said(DATA).toString());
      if (body === undefined)
        fail(new Error(said(ERROR).toString() || `no answer from port ${port} of ${namespace}/${pod}`));
      else settle(() => resolve(body));
    };
    // In HTTP/1.0 the end of the connection is the end of the answer, and nothing comes in chunks.
    socket.on('open', () =>
      socket.send(Buffer.concat([Buffer.from([DATA]), Buffer.from(`GET ${path} HTTP/1.0\r\n\r\n`)])),
    );
    socket.on('message', (data: Buffer) => {
      received[data[0]!]?.push(data.subarray(1));
      if (data[0] === ERROR && said(ERROR).length > 0) end();
    });
    socket.on('unexpected-response', (_, response) => fail(new Error(`HTTP ${response.statusCode}`)));
    socket.on('error', fail);
    socket.on('close', end);
  });
}

/** undefined where it is no whole answer, or another than 200. */
function bodyOf(answer: string): string | undefined {
  const end = answer.indexOf('\r\n\r\n');
  return end >= 0 && /^HTTP\/1\.[01] 200 /.test(answer) ? answer.slice(end + 4) : undefined;
}
