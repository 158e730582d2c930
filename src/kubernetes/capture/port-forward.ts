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
    // The other side may keep the socket open for long after the answer's end.
    const look = (closed: boolean): void => {
      const answer = answerOf(said(DATA), closed);
      if (answer?.status === 200) return settle(() => resolve(answer.body));
      if (answer) return fail(new Error(`HTTP ${answer.status} from port ${port} of ${namespace}/${pod}`));
      const error = said(ERROR).toString();
      if (error !== '') return fail(new Error(error));
      if (closed) fail(new Error(`no answer from port ${port} of ${namespace}/${pod}`));
    };
    const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    socket.on('open', () => socket.send(Buffer.concat([Buffer.from([DATA]), Buffer.from(request)])));
    socket.on('message', (data: Buffer) => {
      received[data[0]!]?.push(data.subarray(1));
      look(false);
    });
    socket.on('unexpected-response', (_, response) => fail(new Error(`HTTP ${response.statusCode}`)));
    socket.on('error', fail);
    socket.on('close', () => look(true));
  });
}

/** undefined until all of it is here. */
function answerOf(bytes: Buffer, closed: boolean): { readonly status: number; readonly body: string } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.subarray(0, end).toString();
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0);
  const rest = bytes.subarray(end + 4);
  if (/^transfer-encoding:.*chunked/im.test(head)) {
    const body = unchunked(rest);
    return body && { status, body: body.toString() };
  }
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? NaN);
  const whole = Number.isNaN(length) ? closed : rest.length >= length;
  return whole ? { status, body: rest.toString() } : undefined;
}

/** The chunks' content (RFC 9112, 7.1); undefined until the last, empty one is here. */
function unchunked(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(bytes.subarray(at, line).toString(), 16);
    if (size === 0) return Buffer.concat(parts);
    if (Number.isNaN(size) || line + 2 + size > bytes.length) return undefined;
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
