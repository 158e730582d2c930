/** What is looked at, as it is remembered over a reload of the window. */
import path from 'node:path';

/**
 * What the user chose by a command. The sample by its name and not its path: it lies in the extension's own folder, which has
 * another name with every version, and the old one is removed.
 */
export type Choice = { readonly recording: string } | { readonly sample: true } | { readonly live: true };

export interface Remembered {
  readonly choice: Choice;
  /** What the settings said when it was made. */
  readonly settings: string;
}

/** The choice that still counts: settings that have changed since are newer. */
export function stillChosen(remembered: Remembered | undefined, settings: string): Choice | undefined {
  return remembered?.settings === settings ? remembered.choice : undefined;
}

/**
 * The recording to open; undefined: the live cluster.
 * @param setting what the settings say, which counts where nothing was chosen
 * @param extension the folder of the extension as it runs now
 */
export function chosenRecording(
  choice: Choice | undefined,
  setting: string | undefined,
  extension: string,
): string | undefined {
  if (!choice) return setting;
  if ('sample' in choice) return path.join(extension, 'samples', 'shop');
  return 'recording' in choice ? choice.recording : undefined;
}
