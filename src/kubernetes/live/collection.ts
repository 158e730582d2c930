import { keyOf, type ObjectMeta } from '../objects.ts';

/**
 * The objects of one kind, in the order of the server's own lists ("namespace/name"). `list` is the same array until something changed, so that
 * a burst of changes costs one new array. A new version of which nothing is kept that differs is none: each node's kubelet writes one every
 * few minutes. The object then stays the one of before, and has the version that first had its content.
 */
export class Collection<T extends { readonly metadata: ObjectMeta }> {
  readonly #objects = new Map<string, T>();
  #keys: string[] = [];
  #list: readonly T[] | undefined = [];

  get list(): readonly T[] {
    this.#list ??= this.#keys.map((key) => this.#objects.get(key)!);
    return this.#list;
  }

  /** Gives what is new, otherwise, or gone. */
  replace(objects: readonly T[]): readonly T[] {
    const before = new Map(this.#objects);
    this.#objects.clear();
    const changed: T[] = [];
    for (const object of objects) {
      const key = keyOf(object);
      const known = before.get(key);
      const same = known !== undefined && isSame(known, object);
      this.#objects.set(key, same ? known : object);
      if (!same) changed.push(object);
      before.delete(key);
    }
    const others = [...changed, ...before.values()];
    if (others.length === 0) return others;
    this.#keys = [...this.#objects.keys()].sort(compare);
    this.#list = undefined;
    return others;
  }

  /** Whether that changes anything. */
  upsert(object: T): boolean {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known && isSame(known, object)) return false;
    if (!known) this.#keys.splice(this.#position(key), 0, key);
    this.#objects.set(key, object);
    this.#list = undefined;
    return true;
  }

  remove(object: T): void {
    const key = keyOf(object);
    if (!this.#objects.delete(key)) return;
    this.#keys.splice(this.#position(key), 1);
    this.#list = undefined;
  }

  /** Where the key stands, or would stand. */
  #position(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isSame<T extends { readonly metadata: ObjectMeta }>(a: T, b: T): boolean {
  const { resourceVersion } = a.metadata;
  if (resourceVersion !== undefined && resourceVersion === b.metadata.resourceVersion) return true;
  return JSON.stringify(a) === JSON.stringify({ ...b, metadata: { ...b.metadata, resourceVersion } });
}

/** By code units, as etcd's keys are; not by the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
