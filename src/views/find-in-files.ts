import * as vscode from 'vscode';
import { t } from './words.ts';
import { mayHoldService, serviceAt } from './yaml-service.ts';

const MOST_FILES = 5000;

/** Command: the place in the workspace's YAML files that makes this Service. */
export async function revealInEditor(key: string): Promise<void> {
  const [namespace, name] = key.split('/') as [string, string];
  const found = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: t('Looking for {0} in the workspace', key) },
    () => search(namespace, name),
  );
  if (found.length === 0) {
    void vscode.window.showInformationMessage(t('No YAML file of the workspace has a Service {0}.', key));
    return;
  }
  const [only] = found;
  const chosen =
    found.length === 1
      ? only
      : await vscode.window.showQuickPick(
          found.map((location) => ({
            label: vscode.workspace.asRelativePath(location.uri),
            description: t('line {0}', location.range.start.line + 1),
            ...location,
          })),
          { title: key },
        );
  if (chosen) await vscode.window.showTextDocument(chosen.uri, { selection: chosen.range });
}

async function search(namespace: string, name: string): Promise<readonly vscode.Location[]> {
  const files = await vscode.workspace.findFiles('**/*.{yaml,yml}', '**/{node_modules,.git}/**', MOST_FILES);
  const found: vscode.Location[] = [];
  for (const uri of files) {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    if (!text.includes(name) || !mayHoldService(text)) continue;
    for (const kind of text.matchAll(/\bkind["']?[ \t]*:[ \t]*["']?Service\b/g)) {
      const yaml = serviceAt(text, kind.index + 1);
      if (!yaml) continue;
      const { metadata } = yaml.service;
      const named = yaml.pattern ? yaml.pattern.test(name) : metadata.name === name;
      if (!named || (metadata.namespace !== undefined && metadata.namespace !== namespace)) continue;
      const line = text.slice(0, kind.index).split('\n').length - 1;
      found.push(new vscode.Location(uri, new vscode.Position(line, 0)));
    }
  }
  return found;
}
