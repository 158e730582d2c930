/** As much of VS Code's API as Connection uses, for tests without an editor: `import './with-vscode-stub.ts'` before what imports it. */
export class EventEmitter<T> {
  readonly #listeners = new Set<(value: T) => void>();
  readonly event = (listener: (value: T) => void) => {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
  dispose(): void {
    this.#listeners.clear();
  }
}

export const workspace = {
  workspaceFolders: undefined,
  onDidChangeConfiguration: () => ({ dispose: () => undefined }),
  getConfiguration: () => ({ get: () => undefined }),
};

export const window = {};
