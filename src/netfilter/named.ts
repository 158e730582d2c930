/** What a table has under a name out of a dump: a chain may be called "constructor", which every object of JavaScript has. */
export function named<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
