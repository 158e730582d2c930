/** The page's words in the reader's language: English is the key, the panel sends the others. */
let words: Readonly<Record<string, string>> = {};

export function speak(bundle: Readonly<Record<string, string>>): void {
  words = bundle;
}

/** `{0}`, `{1}` … stand for the arguments. */
export function say(message: string, ...args: readonly (string | number)[]): string {
  return (words[message] ?? message).replace(/\{(\d+)\}/g, (whole, index: string) =>
    String(args[Number(index)] ?? whole),
  );
}

/** "12 s ago", "4 min ago", "3 h ago", "2 days ago". */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 90) return say('{0} s ago', seconds);
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return say('{0} min ago', minutes);
  const hours = Math.round(minutes / 60);
  return hours < 48 ? say('{0} h ago', hours) : say('{0} days ago', Math.round(hours / 24));
}
