/** The answers without VS Code, for scripts and tests. Standard output has the answer alone; errors go to standard error with exit code 2. */

interface Command {
  readonly usage: string;
  /** What to print. Throws an Error whose message is shown as it is. */
  readonly run: (args: readonly string[]) => Promise<string>;
}

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  diagnose: () => import('./cli/diagnose.ts'),
  expected: () => import('./cli/expected.ts'),
  trace: () => import('./cli/trace.ts'),
};

// Whoever reads may stop before the end, as head does.
process.stdout.on('error', () => process.exit());
const [name = '', ...args] = process.argv.slice(2);
try {
  const load = COMMANDS[name];
  if (!load) throw new Error(`There is no command "${name}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
  const command = await load();
  process.stdout.write(await command.run(args));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
