/** The matrix page's way to VS Code. */
import type { ToMatrixPanel } from '../../views/matrix/protocol.ts';
import { host } from '../host.ts';

export function post(message: ToMatrixPanel): void {
  host.postMessage(message);
}
