import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { CATALOGUE } from '../../src/diagnosis/catalogue.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const json = (file: string): Record<string, string> => JSON.parse(read(file)) as Record<string, string>;

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string; readonly category: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when?: string }[]>>;
    readonly viewsWelcome: readonly { readonly when: string; readonly contents: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
    readonly walkthroughs: readonly { readonly steps: readonly { readonly media: { readonly markdown: string } }[] }[];
    readonly languages: readonly { readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string }[];
  };
}
const manifest = JSON.parse(read('package.json')) as Manifest;
const { contributes } = manifest;
const contributed = new Set(contributes.commands.map(({ command }) => command));

function sourceFiles(...folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    folder.endsWith('.ts')
      ? [folder]
      : readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.ts'))
          .map((name) => path.join(folder, name)),
  );
}

function walk(file: string, visit: (node: ts.Node) => void): void {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
  const go = (node: ts.Node): void => {
    visit(node);
    ts.forEachChild(node, go);
  };
  go(source);
}

test('The commands of package.json are those of src/views/commands.ts', () => {
  const registered: string[] = [];
  walk('src/views/commands.ts', (node) => {
    if (!ts.isFunctionDeclaration(node) || node.name?.text !== 'table') return;
    const last = node.body?.statements.findLast(ts.isReturnStatement)?.expression;
    assert.ok(last && ts.isObjectLiteralExpression(last));
    for (const property of last.properties) registered.push(`serviceTraffic.${property.name!.getText()}`);
  });
  assert.deepEqual(registered.sort(), [...contributed].sort());
});

test('Every menu, welcome view and walkthrough speaks of commands that exist', () => {
  for (const [menu, entries] of Object.entries(contributes.menus))
    for (const { command } of entries) assert.ok(contributed.has(command), `${menu}: ${command}`);
  const words = ['package.nls.json', 'package.nls.zh-cn.json'].map(read).join('\n');
  for (const [, command] of words.matchAll(/\(command:(serviceTraffic\.[A-Za-z]+)\)/g))
    assert.ok(contributed.has(command!), `a link to ${command!}`);
});

test('Commands that need a row are not in the palette, and every command has a category', () => {
  const palette = new Map(contributes.menus['commandPalette']!.map(({ command, when }) => [command, when]));
  for (const name of ['captureNode', 'revealInTree', 'openRuleAt'])
    assert.equal(palette.get(`serviceTraffic.${name}`), 'false');
  for (const { command, category } of contributes.commands) assert.equal(category, 'Service Traffic', command);
});

test('What reads rules anew is offered of a live cluster alone: those of a recording are what they are', () => {
  for (const [menu, entries] of Object.entries(contributes.menus))
    for (const { command, when } of entries)
      if (/\.capture(Node)?$/.test(command))
        assert.ok(when === 'false' || when?.includes('serviceTraffic.kind == live'), `${menu}: ${command}`);
});

test('The matrix is found by its name, and the way back to the settings where something else was chosen', () => {
  assert.match(json('package.nls.json')['command.showMatrix']!, /Matrix/);
  assert.match(json('package.nls.zh-cn.json')['command.showMatrix']!, /矩阵/);
  const back = contributes.menus['commandPalette']!.find(({ command }) => command === 'serviceTraffic.useSettings');
  assert.equal(back?.when, 'serviceTraffic.chosen');
});

test('A filter that no Service passes has its welcome view, and no other shows beside it', () => {
  const filtered = contributes.viewsWelcome.find(({ contents }) => contents === '%welcome.filtered%');
  // The filter is a key of its own: the state of the source stays "full" beneath it.
  assert.equal(filtered?.when, 'serviceTraffic.filtered && serviceTraffic.hasObjects');
  for (const { when } of contributes.viewsWelcome)
    if (when !== filtered?.when) assert.match(when, /^serviceTraffic\.state == (?!full$|filtered$)[a-z-]+$/);
});

test('Every file that package.json names is there', () => {
  const files = [
    manifest.icon,
    ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown)),
    ...contributes.languages.map(({ configuration }) => configuration),
    ...contributes.grammars.map((grammar) => grammar.path),
  ];
  for (const file of files) assert.ok(existsSync(path.join(root, file)), file);
});

test('Settings are read under the names that package.json has', () => {
  const used = new Set<string>();
  for (const file of sourceFiles('src/views', 'src/extension.ts'))
    for (const [, name] of read(file).matchAll(/setting<\w+>\('([\w.]+)'\)/g)) used.add(`serviceTraffic.${name!}`);
  assert.deepEqual([...used].sort(), Object.keys(contributes.configuration.properties).sort());
});

test("The manifest's words are all there, in both languages, and none is left over", () => {
  const wanted = [...read('package.json').matchAll(/"%([\w.-]+)%"/g)].map(([, key]) => key!);
  for (const file of ['package.nls.json', 'package.nls.zh-cn.json'])
    assert.deepEqual(Object.keys(json(file)).sort(), [...new Set(wanted)].sort(), file);
});

/** The first argument of t(), and the first two sentences of count(): English is the key. */
function spoken(): ReadonlySet<string> {
  const words = new Set<string>();
  for (const file of sourceFiles('src/views', 'src/extension.ts')) {
    if (file.endsWith('views/words.ts')) continue;
    walk(file, (node) => {
      if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return;
      const name = node.expression.text;
      const sentences = name === 't' ? node.arguments.slice(0, 1) : name === 'count' ? node.arguments.slice(1, 3) : [];
      for (const sentence of sentences) {
        assert.ok(
          ts.isStringLiteralLike(sentence),
          `${file}: ${sentence.getText()} is no plain sentence, and cannot be translated`,
        );
        words.add(sentence.text);
      }
    });
  }
  // Findings say their sentences with names for places; one that is nothing but such a place needs no translation.
  for (const { message, advice } of Object.values(CATALOGUE))
    for (const sentence of [message, advice]) if (!/^\{\w+\}$/.test(sentence)) words.add(sentence);
  return words;
}

test('Every sentence of the views has its Chinese, with the same places for arguments, and none is left over', () => {
  const chinese = json('l10n/bundle.l10n.zh-cn.json');
  const english = [...spoken()];
  const missing = english.filter((sentence) => chinese[sentence] === undefined);
  assert.deepEqual(missing, [], 'sentences without Chinese');
  assert.deepEqual(
    Object.keys(chinese).filter((sentence) => !english.includes(sentence)),
    [],
    'Chinese that nobody speaks',
  );
  for (const [sentence, translated] of Object.entries(chinese)) {
    const places = (text: string): readonly string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
    assert.deepEqual(places(translated), places(sentence), sentence);
  }
});
