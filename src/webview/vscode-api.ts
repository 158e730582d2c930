/** The page's way to VS Code: messages, and what is kept while it is hidden or the window is loaded again. */
import type { ToPanel } from '../views/diagram/protocol.ts';
import { host } from './host.ts';

export function post(message: ToPanel): void {
  host.postMessage(message);
}

export function keep(state: unknown): void {
  host.setState(state);
}

export function kept(): unknown {
  return host.getState();
}
