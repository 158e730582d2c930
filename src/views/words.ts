/**
 * The language of what the views say: VS Code's in the editor, English wherever else they run (tests). English is the key, so
 * that a sentence reads as a sentence in the source; l10n/bundle.l10n.zh-cn.json has the others.
 */
type Translate = (message: string, ...args: (string | number)[] | [Readonly<Record<string, string>>]) => string;

const english: Translate = (message, ...args) => {
  const values = typeof args[0] === 'object' ? args[0] : Object.fromEntries(args.map((value, i) => [i, String(value)]));
  return message.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
};

let translate: Translate = english;

/** Called once, at activation. */
export function speak(language: Translate): void {
  translate = language;
}

/** The sentence in the reader's language. `{0}`, `{1}` … stand for the arguments. */
export function t(message: string, ...args: (string | number)[]): string {
  return translate(message, ...args);
}

/** "1 endpoint", "3 endpoints": both sentences have {0} for the number. */
export function count(n: number, one: string, many: string): string {
  return t(n === 1 ? one : many, n);
}

/** A sentence of the catalogue of findings in the reader's language, filled with its arguments by name. */
export function told(template: string, values: Readonly<Record<string, string>>): string {
  return translate(template, values);
}

/** "node-1, node-2, node-3 and 997 more". */
export function listOf(names: readonly string[], most = 5): string {
  const some = names.slice(0, most).join(', ');
  return names.length > most ? `${some} ${t('and {0} more', names.length - most)}` : some;
}
