/** Signs that say without colour what a mark means. Read out by nobody: the words beside them say it too. */
import type { Mark } from '../translation/picture.ts';

export const ICONS: Readonly<Record<Mark, string>> = {
  good: '',
  wrong: '⊗',
  refused: '⊘',
  missing: '△',
  idle: '',
  unknown: '?',
};

/** For the column that compares with the API. */
export const VERDICTS: Readonly<Record<Mark, string>> = {
  good: '✓',
  wrong: '⊗',
  refused: '⊘',
  missing: '△',
  idle: '–',
  unknown: '?',
};
