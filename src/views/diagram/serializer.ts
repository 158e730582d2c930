import * as vscode from 'vscode';
import type { Traffic } from '../context.ts';
import { isSelection } from './protocol.ts';
import { DIAGRAM_VIEW } from './view-type.ts';

/** Diagrams come back after the window was loaded again, with the choices that the page had kept. */
export function restoreDiagrams(traffic: Traffic): vscode.Disposable {
  return vscode.window.registerWebviewPanelSerializer(DIAGRAM_VIEW, {
    async deserializeWebviewPanel(panel, state: unknown) {
      const selection =
        typeof state === 'object' && state !== null && 'selection' in state ? state.selection : undefined;
      if (!isSelection(selection)) {
        panel.dispose();
        return;
      }
      (await import('./panel.ts')).restoreDiagram(traffic, panel, selection);
    },
  });
}
