import * as vscode from 'vscode';
import type { Traffic } from './context.ts';

/** Registers what the editor asks of our languages. The answers are loaded when the first question comes. */
export function registerLanguages(traffic: Traffic): vscode.Disposable {
  const rules: vscode.DocumentSelector = { language: 'kube-rules' };
  const answers = () => import('./rules-language.ts');
  return vscode.Disposable.from(
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
