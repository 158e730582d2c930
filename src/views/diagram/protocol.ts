/**
 * What panel and page say to each other. Both sides check what they receive: the page is a browser document, and a message of
 * another version of this extension may still be under way after an update.
 */
import type { Action, Picture, Selection } from '../../translation/picture.ts';

/** From the panel to the page. */
export type ToPage =
  /** The words of the page in the reader's language, by their English; before the first picture. */
  | { readonly type: 'words'; readonly words: Readonly<Record<string, string>> }
  /** Everything there is to show: always the whole, so a page that was hidden misses nothing. `now` is the host's clock. */
  | { readonly type: 'picture'; readonly picture: Picture; readonly now: number }
  /** Nodes are being read, or no more. */
  | { readonly type: 'busy'; readonly busy: boolean };

/** From the page to the panel. */
export type ToPanel =
  /** The page listens; with what it showed before the window was reloaded. Nothing is posted to it before that. */
  | { readonly type: 'ready'; readonly selection?: Selection }
  | { readonly type: 'choose'; readonly selection: Selection }
  | { readonly type: 'openRule'; readonly node: string; readonly dump: string; readonly line: number }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'act'; readonly action: Action; readonly argument?: string }
  /** Reads the rules again: of the node that is shown, or of all. */
  | { readonly type: 'refresh' }
  /** Something went wrong in the page: for the log. */
  | { readonly type: 'problem'; readonly text: string };

const CLIENTS: ReadonlySet<string> = new Set(['pod', 'node', 'outside', 'outside-refused', 'ping']);
const ACTIONS: ReadonlySet<string> = new Set(['expected', 'trace', 'rules', 'pod', 'capture', 'yaml']);

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

const optional = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value);
const text = (value: unknown): value is string => typeof value === 'string';

/** Whether it is a selection: also for what VS Code kept over a reload. */
export function isSelection(value: unknown): value is Selection {
  const selection = fields(value);
  if (!selection || !text(selection['service'])) return false;
  const settled = fields(selection['settled']);
  return (
    ['port', 'way', 'node'].every((name) => optional(selection[name], text)) &&
    optional(selection['client'], (client) => text(client) && CLIENTS.has(client)) &&
    (selection['settled'] === undefined ||
      (settled !== undefined && Object.values(settled).every((one) => typeof one === 'boolean')))
  );
}

/** undefined where it is no message of this protocol. */
export function readToPanel(value: unknown): ToPanel | undefined {
  const message = fields(value);
  if (!message) return undefined;
  const valid = (() => {
    switch (message['type']) {
      case 'ready':
        return optional(message['selection'], isSelection);
      case 'choose':
        return isSelection(message['selection']);
      case 'openRule':
        return text(message['node']) && text(message['dump']) && isLine(message['line']);
      case 'copy':
      case 'problem':
        return text(message['text']);
      case 'act':
        return text(message['action']) && ACTIONS.has(message['action']) && optional(message['argument'], text);
      case 'refresh':
        return true;
      default:
        return false;
    }
  })();
  return valid ? (value as ToPanel) : undefined;
}

function isLine(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

/** undefined where it is no message of this protocol. */
export function readToPage(value: unknown): ToPage | undefined {
  const message = fields(value);
  switch (message?.['type']) {
    case 'words': {
      const words = fields(message['words']);
      return words && Object.values(words).every(text) ? (value as ToPage) : undefined;
    }
    case 'picture':
      return typeof message['now'] === 'number' && isPicture(message['picture']) ? (value as ToPage) : undefined;
    case 'busy':
      return typeof message['busy'] === 'boolean' ? (value as ToPage) : undefined;
    default:
      return undefined;
  }
}

/** Its frame: the panel is of the same build as the page, so that what is inside has the right shape. */
function isPicture(value: unknown): value is Picture {
  const picture = fields(value);
  const kind = fields(picture?.['body'])?.['kind'];
  return (
    picture !== undefined &&
    text(picture['service']) &&
    text(picture['address']) &&
    text(picture['about']) &&
    isSelection(picture['selection']) &&
    ['nodes', 'clients', 'ways'].every((name) => Array.isArray(picture[name])) &&
    (kind === 'node' || kind === 'nodes' || kind === 'nothing')
  );
}
