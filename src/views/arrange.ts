import * as vscode from 'vscode';
import type { ServicesTree } from './services-tree.ts';
import { t } from './words.ts';

/** Command: narrows the Services tree while the user types; Escape puts the earlier filter back. */
export async function askFilter(services: ServicesTree): Promise<void> {
  const before = services.filter;
  const box = vscode.window.createInputBox();
  box.title = t('Filter Services');
  box.prompt = t('Every word must be in the name, namespace, type, VIP, port or a label (app=front).');
  box.value = before;
  await new Promise<void>((resolve) => {
    let accepted = false;
    box.onDidChangeValue((value) => (services.filter = value));
    box.onDidAccept(() => {
      accepted = true;
      box.hide();
    });
    box.onDidHide(() => {
      if (!accepted) services.filter = before;
      box.dispose();
      resolve();
    });
    box.show();
  });
}
