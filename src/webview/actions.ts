/** What the reader can do on the page. */
import type { Action, Selection } from '../translation/picture.ts';
import type { View } from './page-state.ts';

export interface Actions {
  /** A change of what is looked at; fields that are not given stay. */
  choose(change: Partial<Selection>): void;
  view(view: View): void;
  point(id: string | undefined): void;
  /** Keeps a card's rules in the list; undefined lets them go. */
  pin(id: string | undefined): void;
  open(folded: string): void;
  openRule(node: string, dump: string, line: number): void;
  act(action: Action, argument?: string): void;
  copy(text: string): void;
  refresh(): void;
}
