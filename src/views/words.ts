/**
 * The language of what the views say: VS Code's in the editor, English wherever else they run (tests). English is the key, so
 * that a sentence reads as a sentence in the source; l10n/bundle.l10n.zh-cn.json has the others.
 */
type Translate = (message: string, ...args: (string | number)[]) => string;

const english: Translate = (message, ...args) =>
  message.replace(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole));

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
