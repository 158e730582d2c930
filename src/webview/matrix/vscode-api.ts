/** The matrix page's way to VS Code. */
import type { ToMatrixPanel } from '../../views/matrix/protocol.ts';

interface Api {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): Api;

const api = acquireVsCodeApi();

export function post(message: ToMatrixPanel): void {
  api.postMessage(message);
}
