/**
 * What stays of earlier elements. From 1.31 on kube-proxy leaves an element alone as long as its verdict is right, and with it the comment:
 * so where a Service without endpoints has the address or node port of one that is gone, the listing goes on naming that one.
 */
import type { Held } from './claims.ts';
import type { Element } from './elements.ts';
import type { Json } from './objects.ts';
import type { PortPart } from './part.ts';

export function keepComments(
  parts: readonly PortPart[],
  held: (container: string, id: string) => Held | undefined,
): readonly PortPart[] {
  const kept = (element: Element): Element => {
    const said = commentOf(element);
    if (said === undefined) return element;
    const there = held(element.container, element.id);
    if (there?.comment === undefined || there.comment === said || there.verdict !== verdictOf(element)) return element;
    const [key, verdict] = element.elem as readonly [{ readonly elem: { readonly val: Json } }, Json];
    return { ...element, elem: [{ elem: { val: key.elem.val, comment: there.comment } }, verdict] };
  };
  return parts.map((part) => {
    if (!hasComments(part)) return part;
    const elements = part.elements.map(kept);
    return elements.some((element, i) => element !== part.elements[i]) ? { ...part, elements } : part;
  });
}

const commented = new WeakMap<PortPart, boolean>();

function hasComments(part: PortPart): boolean {
  let has = commented.get(part);
  if (has === undefined) {
    has = part.elements.some((element) => commentOf(element) !== undefined);
    commented.set(part, has);
  }
  return has;
}

/** Of an element of a map: "goto reject-chain", "drop". */
export function verdictOf({ elem }: Element): string {
  const [, verdict] = elem as readonly [Json, Readonly<Record<string, { readonly target: string } | null>>];
  const [[name, to]] = Object.entries(verdict) as [[string, { readonly target: string } | null]];
  return to ? `${name} ${to.target}` : name;
}

export function commentOf({ elem }: Element): string | undefined {
  const key = Array.isArray(elem) ? (elem as readonly Json[])[0] : elem;
  if (typeof key !== 'object' || key === null || !('elem' in key)) return undefined;
  return (key.elem as { readonly comment?: string }).comment;
}
