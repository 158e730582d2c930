/** What the page knows, and what it keeps while it is hidden: where the reader is, never what the cluster says. */
import type { Picture, Selection } from '../translation/picture.ts';
import { isSelection } from '../views/diagram/protocol.ts';

export type View = 'streams' | 'table';

export interface PageState {
  readonly picture?: Picture;
  /** The host's clock minus the page's, in milliseconds. */
  readonly clock: number;
  readonly busy: boolean;
  readonly view: View;
  /** The card whose rules stay in the list below: an end's id, "client", "service" or "rules". */
  readonly pinned?: string | undefined;
  /** The card under the pointer, or with the focus. */
  readonly pointed?: string | undefined;
  /** Folded cards that are opened. */
  readonly open: readonly string[];
}

export interface Kept {
  readonly selection?: Selection;
  readonly view: View;
  readonly pinned?: string;
  readonly open: readonly string[];
}

export function toKeep(state: PageState): Kept {
  return {
    view: state.view,
    open: state.open,
    ...(state.picture && { selection: state.picture.selection }),
    ...(state.pinned !== undefined && { pinned: state.pinned }),
  };
}

/** From whatever was kept, by this version or another. */
export function readKept(value: unknown): Kept {
  const kept = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const { selection, view, pinned, open } = kept;
  return {
    view: view === 'table' ? 'table' : 'streams',
    open: Array.isArray(open) ? open.filter((one): one is string => typeof one === 'string') : [],
    ...(isSelection(selection) && { selection }),
    ...(typeof pinned === 'string' && { pinned }),
  };
}
