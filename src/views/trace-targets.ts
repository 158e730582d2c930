/** What a packet can be sent to, as it is typed: a Service out of a list, or the very address. */
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { vipsOf } from '../translation/directory.ts';
import { findWhat, nothingFound, parseQuery } from '../translation/whatis.ts';

export interface AddressTarget {
  readonly kind: 'address';
  readonly address: string;
  readonly port?: number;
}

export interface TargetChoice {
  readonly label: string;
  readonly description: string;
  readonly target: AddressTarget | { readonly kind: 'service'; readonly key: string };
}

export function serviceTargets({ services }: ClusterObjects): readonly TargetChoice[] {
  return services.map((service) => {
    const key = keyOf(service);
    return { label: key, description: vipsOf(service).join(' '), target: { kind: 'service', key } };
  });
}

/** The address itself, where one is typed, with what is known of it. */
export function typedTarget(objects: ClusterObjects, typed: string): TargetChoice | undefined {
  const target = addressIn(typed);
  if (!target) return undefined;
  const found = findWhat(objects, typed, 1)[0] ?? nothingFound(objects, typed);
  const description = found.kind === 'nothing' ? found.why : `${found.title}: ${found.why}`;
  return { label: typed.trim(), description, target };
}

/** undefined where the text is no address, with a port or without. */
export function addressIn(text: string): AddressTarget | undefined {
  const { address, port } = parseQuery(text);
  return address === undefined ? undefined : { kind: 'address', address, ...(port !== undefined && { port }) };
}
