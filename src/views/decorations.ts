import * as vscode from 'vscode';
import type { Health } from './health.ts';
import { count, listOf, t } from './words.ts';

/** No file has this scheme, so that no other extension decorates our rows, and ours decorate nothing else. */
const SCHEME = 'service-traffic-row';

export function badgeUri(kind: string, key: string): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, authority: kind, path: `/${key}` });
}

/** The badges at the right of rows: something is wrong with this Service, or with one of this namespace. */
export class Badges implements vscode.FileDecorationProvider, vscode.Disposable {
  readonly #health: Health;
  readonly #changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #listening: vscode.Disposable;

  constructor(health: Health) {
    this.#health = health;
    this.#listening = health.onDidChange((keys) => {
      const namespaces = new Set(keys.map((key) => key.slice(0, key.indexOf('/'))));
      this.#changed.fire([
        ...keys.map((key) => badgeUri('service', key)),
        ...[...namespaces].map((name) => badgeUri('namespace', name)),
      ]);
    });
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== SCHEME) return undefined;
    const key = uri.path.slice(1);
    if (uri.authority === 'service') {
      const programming = this.#health.of(key);
      if (!programming || programming.wrong.length === 0) return undefined;
      const tooltip = t('The rules on {0} differ from the API', listOf(programming.wrong));
      return new vscode.FileDecoration('✗', tooltip, new vscode.ThemeColor('list.errorForeground'));
    }
    const wrong = this.#health.wrongIn(key);
    if (wrong === 0) return undefined;
    const badge = wrong > 99 ? '✗' : String(wrong);
    const tooltip = count(
      wrong,
      '{0} Service whose rules differ from the API',
      '{0} Services whose rules differ from the API',
    );
    return new vscode.FileDecoration(badge, tooltip);
  }

  dispose(): void {
    this.#listening.dispose();
    this.#changed.dispose();
  }
}
