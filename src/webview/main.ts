/** The page inside the diagram panel: listens to the panel, keeps its state, draws. */
import type { ToPage } from '../views/diagram/protocol.ts';
import { readToPage } from '../views/diagram/protocol.ts';
import type { Actions } from './actions.ts';
import { patch } from './element.ts';
import { cardTowards } from './keyboard.ts';
import { page } from './page.ts';
import type { PageState } from './page-state.ts';
import { readKept, toKeep } from './page-state.ts';
import { speak } from './say.ts';
import './style.css';
import { provideToolkit } from './toolkit.ts';
import { keep, kept, post } from './vscode-api.ts';

provideToolkit();

const before = readKept(kept());
let state: PageState = {
  clock: 0,
  busy: false,
  view: before.view,
  open: before.open,
  ...(before.pinned !== undefined && { pinned: before.pinned }),
};
/** The card that has, or had last, the focus. */
let focused: string | undefined;
let due = false;

const root = document.getElementById('page')!;

function change(next: Partial<PageState>, keepIt = true): void {
  state = { ...state, ...next };
  if (keepIt) keep(toKeep(state));
  if (due) return;
  due = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  due = false;
  const width = document.documentElement.clientWidth;
  try {
    patch(root, page(state, { width, now: Date.now(), focused }, actions));
  } catch (error) {
    post({ type: 'problem', text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

const actions: Actions = {
  choose(changed) {
    if (!state.picture) return;
    const selection = { ...state.picture.selection, ...changed };
    // The dropdowns show the choice at once; the picture follows.
    change({ picture: { ...state.picture, selection } });
    post({ type: 'choose', selection });
  },
  view: (view) => change({ view }),
  point: (pointed) => {
    if (pointed !== state.pointed) change({ pointed }, false);
  },
  pin: (pinned) => change({ pinned: pinned === state.pinned ? undefined : pinned }),
  open: (folded) => change({ open: [...state.open, folded] }),
  openRule: (node, dump, line) => post({ type: 'openRule', node, dump, line }),
  act: (action, argument) => post({ type: 'act', action, ...(argument !== undefined && { argument }) }),
  copy: (text) => post({ type: 'copy', text }),
  refresh: () => post({ type: 'refresh' }),
};

window.addEventListener('message', (event: MessageEvent<unknown>) => {
  const message = readToPage(event.data);
  if (message) receive(message);
});

function receive(message: ToPage): void {
  switch (message.type) {
    case 'words':
      speak(message.words);
      change({}, false);
      break;
    case 'picture':
      change({ picture: message.picture, clock: message.now - Date.now() });
      break;
    case 'busy':
      change({ busy: message.busy }, false);
      break;
  }
}

function cards(): readonly HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>('[data-card]')];
}

root.addEventListener('focusin', (event) => {
  const card = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-card]') : undefined;
  const id = card?.dataset['card'];
  if (id === undefined || id === focused) return;
  focused = id;
  change({}, false);
});

root.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    change({ pinned: undefined, pointed: undefined, open: [] });
    return;
  }
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const from = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-card]') : undefined;
  if (!from) return;
  const all = cards();
  const spot = (card: HTMLElement) => ({ id: card.dataset['card']!, x: card.offsetLeft, y: card.offsetTop });
  const to = cardTowards(event.key, spot(from), all.map(spot));
  if (to === undefined) return;
  event.preventDefault();
  all.find((card) => card.dataset['card'] === to)?.focus();
});

new ResizeObserver(() => change({}, false)).observe(document.documentElement);
// "12 s ago" grows older.
setInterval(() => change({}, false), 5000);
window.addEventListener('error', (event) => post({ type: 'problem', text: event.message }));

change({}, false);
post({ type: 'ready', ...(before.selection && { selection: before.selection }) });
