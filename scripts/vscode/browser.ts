import { chromium, type Browser } from 'playwright-core';
import { commandPath, ensurePackages } from '../machine.ts';

/** A headless Chromium that reaches nothing but this machine. Installs it where it is missing. */
export async function launchBrowser(why: string): Promise<Browser> {
  ensurePackages(['chromium', 'fonts-liberation', 'fonts-noto-core'], why);
  return chromium.launch({
    executablePath: commandPath('chromium') ?? commandPath('chromium-browser')!,
    args: [
      '--no-sandbox', // root has none
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
    ],
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
}
