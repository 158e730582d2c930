import { registerHooks } from 'node:module';

const url = new URL('vscode-stub.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vscode' ? { url, shortCircuit: true, format: 'module-typescript' } : next(specifier, context),
});
