/** A word of a rule, with its place in the dump's text. */
export interface Token {
  /** Without quotes and escapes. */
  readonly text: string;
  /** Offsets in the dump, quotes included. */
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

/**
 * The words of a line between two offsets, as iptables-restore cuts them (add_param_to_argv in iptables/xshared.c): blanks separate, double quotes
 * hold together, and a backslash between them takes the next character as it is. A quote that is never closed reaches to the end of the line.
 */
export function tokensOf(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  let at = start;
  for (;;) {
    while (at < end && isBlank(text.charCodeAt(at))) at++;
    if (at >= end) return tokens;
    const from = at;
    let plain = true;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        plain = false;
        break;
      }
      if (isBlank(code)) break;
      at++;
    }
    if (plain) {
      tokens.push({ text: text.slice(from, at), start: from, end: at, quoted: false });
      continue;
    }
    let word = text.slice(from, at);
    let inside = false;
    let quoted = false;
    while (at < end) {
      const code = text.charCodeAt(at);
      if (inside && code === BACKSLASH && at + 1 < end) {
        word += text[at + 1]!;
        at += 2;
        continue;
      }
      if (code === QUOTE) {
        inside = !inside;
        quoted = true;
      } else if (!inside && isBlank(code)) break;
      else word += text[at]!;
      at++;
    }
    tokens.push({ text: word, start: from, end: at, quoted });
  }
}

const QUOTE = 34;
const BACKSLASH = 92;

function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 13;
}
