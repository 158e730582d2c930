// The rules of the house. The folders of src are the stations of one answer; an import points only up this list.
import tseslint from 'typescript-eslint';

const STATIONS = ['kubernetes', 'netfilter', 'kubeproxy', 'diagnosis', 'translation', 'views', 'webview'];

/** Where a package may be imported, as folders of src. */
const WALLS = {
  vscode: ['views', 'extension.ts'],
  '@kubernetes/client-node': ['kubernetes/live', 'kubernetes/capture'],
  '@vscode/webview-ui-toolkit': ['webview/toolkit.ts'],
};

const imports = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      up: '{{from}} may not import {{to}}: an import points only up the list of CONTRIBUTING.md',
      wall: '{{what}} is imported in {{where}} alone',
    },
  },
  create(context) {
    const file = context.filename.replaceAll('\\', '/');
    const inside = /\/src\/(.+)$/.exec(file)?.[1];
    if (!inside) return {};
    const own = STATIONS.indexOf(inside.split('/')[0]);
    const check = (node) => {
      const source = node.source;
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const wall = Object.keys(WALLS).find((name) => source.value === name || source.value.startsWith(name + '/'));
      if (wall && !WALLS[wall].some((where) => inside === where || inside.startsWith(where + '/')))
        context.report({ node, messageId: 'wall', data: { what: wall, where: WALLS[wall].join(' and ') } });
      if (!source.value.startsWith('.') || own < 0) return;
      const target = new URL(source.value, 'file://' + file).pathname;
      const to = STATIONS.indexOf(/\/src\/([^/]+)\//.exec(target)?.[1]);
      if (to > own) context.report({ node, messageId: 'up', data: { from: STATIONS[own], to: STATIONS[to] } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

export default tseslint.config(
  { ignores: ['dist', 'out', 'node_modules', '.vscode-test', '.cache', 'samples', 'test-results'] },
  ...tseslint.configs.strict,
  {
    plugins: { house: { rules: { imports } } },
    rules: {
      'house/imports': 'error',
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'No default exports.' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
    },
  },
  { files: ['*.mjs', 'scripts/**', '**/*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['src/**'], rules: { 'no-console': 'error' } },
);
