import * as vscode from 'vscode';
import type { Traffic } from './context.ts';
import { hoverEnabled } from './settings.ts';

/** Registers what the editor asks of our languages. The answers are loaded when the first question comes. */
export function registerLanguages(traffic: Traffic): vscode.Disposable {
  const rules: vscode.DocumentSelector = { language: 'kube-rules' };
  const answers = () => import('./rules-language.ts');
  // Every YAML file comes by: nothing is loaded before one of them has a Service in it.
  const yaml: vscode.DocumentSelector = [{ language: 'yaml' }, { language: 'helm' }];
  const looksLikeService = /\bkind["']?[ \t]*:[ \t]*["']?Service\b/;
  return vscode.Disposable.from(
    vscode.languages.registerHoverProvider(yaml, {
      provideHover: async (document, position) => {
        if (!hoverEnabled() || !looksLikeService.test(document.getText())) return undefined;
        return (await import('./yaml-hover.ts')).hoverOn(traffic, document, position);
      },
    }),
    vscode.languages.registerFoldingRangeProvider(rules, {
      provideFoldingRanges: async (document) => (await answers()).foldingRanges(document),
    }),
    vscode.languages.registerDocumentSymbolProvider(
      rules,
      { provideDocumentSymbols: async (document) => (await answers()).documentSymbols(document) },
      { label: 'Service Traffic' },
    ),
    vscode.languages.registerDefinitionProvider(rules, {
      provideDefinition: async (document, position) => (await answers()).definition(document, position),
    }),
    vscode.languages.registerReferenceProvider(rules, {
      provideReferences: async (document, position) => (await answers()).references(document, position),
    }),
    vscode.languages.registerHoverProvider(rules, {
      provideHover: async (document, position) => (await answers()).hover(traffic, document, position),
    }),
  );
}
