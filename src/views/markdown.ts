/** Words of the cluster inside Markdown: a name or a comment must never become markup or a link. */

/** Text that shows as it stands, on one line. */
export function escape(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-.!|<>~$&:]/g, (sign) => (sign === '<' ? '&lt;' : sign === '&' ? '&amp;' : `\\${sign}`))
    .replace(/\s+/g, ' ');
}

/** A code span; its fence is longer than any run of backticks in it. */
export function code(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

export function bold(text: string): string {
  return `**${escape(text)}**`;
}

/** A link to a command, for a MarkdownString that trusts that command. */
export function commandLink(words: string, command: string, ...args: readonly unknown[]): string {
  const query = args.length > 0 ? `?${encodeURIComponent(JSON.stringify(args))}` : '';
  // Parentheses survive encodeURIComponent and would end the link.
  return `[${escape(words)}](command:${command}${query.replace(/\(/g, '%28').replace(/\)/g, '%29')})`;
}

/** A codicon in a colour of the theme ("list-errorForeground"), for a MarkdownString that supports HTML. */
export function coloured(icon: string, color: string): string {
  return `<span style="color:var(--vscode-${color});">$(${icon})</span>`;
}
