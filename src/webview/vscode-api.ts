/** The page's way to VS Code: messages, and what is kept while it is hidden or the window is loaded again. */
import type { ToPanel } from '../views/diagram/protocol.ts';

interface Api {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): Api;

const api = acquireVsCodeApi();

export function post(message: ToPanel): void {
  api.postMessage(message);
}

export function keep(state: unknown): void {
  api.setState(state);
}

export function kept(): unknown {
  return api.getState();
}
