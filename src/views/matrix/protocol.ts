/** What the matrix's panel and page say to each other. Both sides check what they receive. */
import type { Matrix } from '../../diagnosis/matrix.ts';

/** From the panel to the page. */
export type ToMatrixPage =
  /** The words of the page in the reader's language, by their English; before the first matrix. */
  | { readonly type: 'words'; readonly words: Readonly<Record<string, string>> }
  /** All there is to show. `waiting` nodes have still to be compared. */
  | { readonly type: 'matrix'; readonly cluster: string; readonly matrix: Matrix; readonly waiting: number }
  /** The answer to `tell`: sentences, and what the node showed over the captures of the session, the newest first. */
  | {
      readonly type: 'told';
      readonly node: string;
      readonly service: string;
      readonly sentences: readonly string[];
      readonly timeline: readonly TimelineEntry[];
    };

export interface TimelineEntry {
  /** "17:03:12". */
  readonly time: string;
  readonly words: string;
  readonly mark: 'good' | 'warning' | 'error' | 'quiet';
}

/** From the page to the panel. */
export type ToMatrixPanel =
  | { readonly type: 'ready' }
  /** What is there to say of this cell? */
  | { readonly type: 'tell'; readonly node: string; readonly service: string }
  /** Opens expected against actual; without a Service, of the whole node. */
  | { readonly type: 'compare'; readonly node: string; readonly service?: string }
  | { readonly type: 'diagram'; readonly node: string; readonly service: string }
  /** Reads the rules of nodes that were not read, or all again. */
  | { readonly type: 'capture'; readonly again: boolean }
  | { readonly type: 'problem'; readonly text: string };

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

const text = (value: unknown): value is string => typeof value === 'string';
const texts = (value: unknown): boolean => Array.isArray(value) && value.every(text);

/** undefined where it is no message of this protocol. */
export function readToMatrixPanel(value: unknown): ToMatrixPanel | undefined {
  const message = fields(value);
  const valid = (): boolean => {
    switch (message?.['type']) {
      case 'ready':
        return true;
      case 'tell':
      case 'diagram':
        return text(message['node']) && text(message['service']);
      case 'compare':
        return text(message['node']) && (message['service'] === undefined || text(message['service']));
      case 'capture':
        return typeof message['again'] === 'boolean';
      case 'problem':
        return text(message['text']);
      default:
        return false;
    }
  };
  return valid() ? (value as ToMatrixPanel) : undefined;
}

/** undefined where it is no message of this protocol. */
export function readToMatrixPage(value: unknown): ToMatrixPage | undefined {
  const message = fields(value);
  const valid = (): boolean => {
    switch (message?.['type']) {
      case 'words':
        return Object.values(fields(message['words']) ?? { none: 0 }).every(text);
      case 'matrix': {
        const matrix = fields(message['matrix']);
        return (
          text(message['cluster']) &&
          typeof message['waiting'] === 'number' &&
          texts(matrix?.['services']) &&
          Array.isArray(matrix?.['rows']) &&
          matrix['rows'].every((row) => texts(fields(row)?.['nodes']) && text(fields(row)?.['cells']))
        );
      }
      case 'told':
        return (
          text(message['node']) &&
          text(message['service']) &&
          texts(message['sentences']) &&
          Array.isArray(message['timeline']) &&
          message['timeline'].every((entry) => texts(['time', 'words', 'mark'].map((name) => fields(entry)?.[name])))
        );
      default:
        return false;
    }
  };
  return valid() ? (value as ToMatrixPage) : undefined;
}
