/** What is compared of nft's objects: rules, elements and declarations in one canonical text each. */
import type { Entry } from './compare.ts';

export function ruleEntry(expr: unknown): Entry {
  const statements = (Array.isArray(expr) ? (expr as unknown[]) : []).filter((s) => !isCounter(s));
  const canonical = stable(statements);
  return { text: canonical, canonical };
}

/** An anonymous counter counts; a named one is only a name. Neither changes a packet. */
function isCounter(statement: unknown): boolean {
  return typeof statement === 'object' && statement !== null && 'counter' in statement;
}

export function elementEntry(element: unknown): Entry {
  const canonical = stable(bare(element));
  return { text: canonical, canonical };
}

/** A base chain's first line. */
export function baseEntry(type: unknown, hook: unknown, priority: unknown, policy: unknown): Entry {
  const text = `type ${String(type)} hook ${String(hook)} priority ${String(priority)}; policy ${String(policy ?? 'accept')};`;
  return { text, canonical: text };
}

/** The type decides what can match, the timeout how long a client keeps its endpoint; comment, size and handle decide nothing. */
export function declaration(kind: string, body: Readonly<Record<string, unknown>>): Entry {
  const type = Array.isArray(body['type']) ? body['type'].join(' . ') : String(body['type']);
  const text = [
    `${kind} of ${type}`,
    ...(kind === 'map' ? [`: ${String(body['map'])}`] : []),
    ...(body['timeout'] === undefined ? [] : [`timeout ${String(body['timeout'])}s`]),
  ].join(' ');
  return { text, canonical: text };
}

/** Without comment, timeout and expiry: {"elem": {"val": …}} is its value. */
function bare(element: unknown): unknown {
  if (Array.isArray(element)) return element.map(bare);
  if (typeof element !== 'object' || element === null || !('elem' in element)) return element;
  const { elem } = element;
  return typeof elem === 'object' && elem !== null && 'val' in elem ? elem.val : element;
}

/** JSON with the members of objects in one order. Members that are in order already, as nft prints them, cost nothing more. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const keys = Object.keys(inner);
    if (keys.length < 2) return inner;
    const record = inner as Record<string, unknown>;
    return Object.fromEntries(keys.sort().map((key) => [key, record[key]]));
  });
}
