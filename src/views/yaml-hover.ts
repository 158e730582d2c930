import * as vscode from 'vscode';
import type { Traffic } from './context.ts';
import { sceneOf } from './scene.ts';
import { yamlHoverText } from './yaml-hover-text.ts';
import { serviceAt } from './yaml-service.ts';

/** A hover that waits longer than this, in milliseconds, is not looked at any more. */
const PATIENCE = 3000;

/** The hover on a Service in YAML. Says nothing where there is no cluster to ask. */
export async function hoverOn(
  traffic: Traffic,
  document: vscode.TextDocument,
  position: vscode.Position,
): Promise<vscode.Hover | undefined> {
  const yaml = serviceAt(document.getText(), document.offsetAt(position));
  if (!yaml) return undefined;
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE, undefined));
  const source = await Promise.race([traffic.open(), late]);
  if (!source || source.objects.services.length === 0) return undefined;
  const markdown = new vscode.MarkdownString(yamlHoverText(yaml, sceneOf(source), source.name), true);
  markdown.supportHtml = true; // for the icons' colours; everything else is escaped
  markdown.isTrusted = {
    enabledCommands: ['showDiagram', 'trace', 'openRules', 'capture', 'revealInTree'].map(
      (name) => `serviceTraffic.${name}`,
    ),
  };
  const { start, end } = yaml.about.range;
  return new vscode.Hover(markdown, new vscode.Range(document.positionAt(start), document.positionAt(end)));
}
