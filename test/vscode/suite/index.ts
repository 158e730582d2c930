import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** What VS Code calls in its extension host. The tests are bundled with this file: `define` adds each file's. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000, color: false, forbidOnly: true, reporter: 'spec' });
  mocha.suite.emit('pre-require', globalThis as unknown as Mocha.MochaGlobals, '', mocha);
  if (process.env['SERVICE_TRAFFIC_TEST'] === 'cluster') await import('./cluster.ts');
  else {
    await import('./activation.ts');
    await import('./trees.ts');
    await import('./documents.ts');
    await import('./yaml.ts');
    await import('./drift.ts');
  }
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run((count) => {
      const file = process.env['EXTENSION_TEST_RESULT'];
      if (file) writeFileSync(file, JSON.stringify(runner.stats));
      resolve(count);
    });
  });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
