/** The panel's document: a frame for the page's script, with a policy that allows that script and nothing else. */

export interface Frame {
  readonly script: string;
  readonly style: string;
  /** What VS Code serves the extension's files from. */
  readonly cspSource: string;
  /** Another one for every document. */
  readonly nonce: string;
  readonly title: string;
  /** Of the page's words: "en", "zh-cn". */
  readonly language: string;
}

/**
 * No inline styles: the page sets properties one by one, and the controls bring adopted style sheets, which a policy does not reach. One
 * style element with a nonce is the toolkit's: by it, it finds out whether the browser knows :focus-visible; it takes the nonce from the
 * meta element.
 */
export function diagramHtml(frame: Frame): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${frame.nonce}'`,
    `style-src ${frame.cspSource} 'nonce-${frame.nonce}'`,
    `font-src ${frame.cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escape(frame.language)}">
  <head>
    <meta charset="UTF-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta property="csp-nonce" content="${frame.nonce}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escape(frame.title)}</title>
    <link rel="stylesheet" href="${escape(frame.style)}">
  </head>
  <body>
    <div id="page"></div>
    <script type="module" nonce="${frame.nonce}" src="${escape(frame.script)}"></script>
  </body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;');
}
