/**
 * A description of elements, and how the page is made to look like it: what stays keeps its element, with its focus, its scroll
 * position and its open list. A description is plain data, so that what is drawn can be tested without a browser.
 */

export type Attribute = string | number | boolean | undefined;

export interface Element_ {
  readonly tag: string;
  /** Tells one from another among its siblings; its place does where it is left out. */
  readonly key?: string;
  /** false and undefined mean: not there; true: there, without a value. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** CSS properties: set one by one, since the page's policy forbids style attributes. */
  readonly style: Readonly<Record<string, string>>;
  /** Properties of the element that are no attributes: the value of a dropdown. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly on: Readonly<Record<string, (event: Event) => void>>;
  readonly children: readonly Child[];
}

export type Child = Element_ | string;

export interface Given {
  readonly key?: string;
  readonly style?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly on?: Readonly<Record<string, (event: never) => void>>;
  readonly [attribute: string]: unknown;
}

/** Describes an element. Children that are false or undefined are left out. */
export function h(
  tag: string,
  given: Given = {},
  ...children: readonly (Child | readonly Child[] | false | undefined)[]
): Element_ {
  const { key, style, properties, on, ...attributes } = given;
  return {
    tag,
    ...(key !== undefined && { key }),
    attributes: attributes as Record<string, Attribute>,
    style: style ?? {},
    properties: properties ?? {},
    on: (on ?? {}) as Record<string, (event: Event) => void>,
    children: children.flatMap((child) => (child === false || child === undefined ? [] : child)),
  };
}

const SVG = new Set(['svg', 'g', 'path', 'defs', 'pattern', 'rect', 'line', 'title']);

interface Kept {
  readonly described: Element_;
  readonly listeners: Map<string, (event: Event) => void>;
}

const kept = new WeakMap<Element, Kept>();

/** Makes the children of `parent` look like `children`. */
export function patch(parent: Element | ShadowRoot, children: readonly Child[]): void {
  const old = [...parent.childNodes];
  const byKey = new Map<string, ChildNode>();
  for (const node of old) {
    const key = node instanceof Element ? kept.get(node)?.described.key : undefined;
    if (key !== undefined) byKey.set(key, node);
  }
  const used = new Set<ChildNode>();
  let unkeyed = 0;
  const nextUnkeyed = (suits: (node: ChildNode) => boolean): ChildNode | undefined => {
    for (; unkeyed < old.length; unkeyed++) {
      const node = old[unkeyed]!;
      if (used.has(node) || (node instanceof Element && kept.get(node)?.described.key !== undefined)) continue;
      if (!suits(node)) return undefined;
      unkeyed++;
      return node;
    }
    return undefined;
  };
  let at: ChildNode | null = parent.firstChild;
  for (const child of children) {
    const node = place(child, byKey, nextUnkeyed);
    used.add(node);
    // Moving an element takes its focus away: only what stands elsewhere is moved.
    if (node === at) at = node.nextSibling;
    else parent.insertBefore(node, at);
  }
  for (const node of old) if (!used.has(node)) node.remove();
}

function place(
  child: Child,
  byKey: ReadonlyMap<string, ChildNode>,
  nextUnkeyed: (suits: (node: ChildNode) => boolean) => ChildNode | undefined,
): ChildNode {
  if (typeof child === 'string') {
    const node = nextUnkeyed((candidate) => candidate instanceof Text);
    if (!node) return document.createTextNode(child);
    if (node.nodeValue !== child) node.nodeValue = child;
    return node;
  }
  const suits = (candidate: ChildNode) => candidate instanceof Element && candidate.localName === child.tag;
  const candidate = child.key === undefined ? nextUnkeyed(suits) : byKey.get(child.key);
  const element = candidate && suits(candidate) ? (candidate as Element) : create(child.tag);
  update(element, child);
  return element;
}

function create(tag: string): Element {
  return SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
}

function update(element: Element, described: Element_): void {
  const before = kept.get(element);
  const listeners = before?.listeners ?? new Map<string, (event: Event) => void>();
  for (const name of Object.keys(before?.described.attributes ?? {}))
    if (described.attributes[name] === undefined) element.removeAttribute(name);
  for (const [name, value] of Object.entries(described.attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else {
      const text = value === true ? '' : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
  const { style } = element as HTMLElement | SVGElement;
  for (const [name, value] of Object.entries(described.style))
    if (before?.described.style[name] !== value) style.setProperty(name, value);
  for (const name of Object.keys(before?.described.style ?? {}))
    if (described.style[name] === undefined) style.removeProperty(name);
  for (const [type, listener] of Object.entries(described.on)) {
    if (!listeners.has(type)) element.addEventListener(type, (event) => listeners.get(type)?.(event));
    listeners.set(type, listener);
  }
  for (const type of listeners.keys()) if (!(type in described.on)) listeners.delete(type);
  kept.set(element, { described, listeners });
  patch(element, described.children);
  // After the children: a dropdown can only have a value that is among its options.
  for (const [name, value] of Object.entries(described.properties)) {
    const target = element as unknown as Record<string, unknown>;
    if (target[name] !== value) target[name] = value;
  }
}
