/** The answers without VS Code, for scripts and tests. Standard output has the answer alone; errors go to standard error with exit code 2. */

interface Command {
  /** How it is called, and what with; several lines, without an end of line. */
  readonly usage: string;
  /** What it prints and what its options mean, for --help. */
  readonly about: string;
  /** What to print. Throws an Error whose message is shown as it is. */
  readonly run: (args: readonly string[]) => Promise<string>;
}

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  diagnose: () => import('./cli/diagnose.ts'),
  expected: () => import('./cli/expected.ts'),
  trace: () => import('./cli/trace.ts'),
};

const FURTHER = 'The formats, with an example: docs/headless.md';

// Whoever reads may stop before the end, as head does.
process.stdout.on('error', () => process.exit());
const [name = '', ...args] = process.argv.slice(2);
const isHelp = (arg: string): boolean => arg === '--help' || arg === '-h';
try {
  process.stdout.write(isHelp(name) ? await allUsages() : await answer());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}

async function answer(): Promise<string> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) throw new Error(`There is no command "${name}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
  const command = await load();
  if (args.some(isHelp)) return `Usage: ${command.usage}\n\n${command.about}\n\n${FURTHER}\n`;
  try {
    return await command.run(args);
  } catch (error) {
    // Node's own words for an option that is not there, or lacks its value.
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
      throw new Error(`${error.message}\nUsage: ${command.usage}`, { cause: error });
    throw error;
  }
}

async function allUsages(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return `Usage: ${commands.map(({ usage }) => usage).join('\n       ')}\n\nEach explains itself with --help. ${FURTHER}\n`;
}
