import { keyOf, type ObjectMeta } from '../objects.ts';

/**
 * The objects of one kind, in the order of the server's own lists ("namespace/name"). `list` is the same array until something changed, so that
 * a burst of changes costs one new array.
 */
export class Collection<T extends { readonly metadata: ObjectMeta }> {
  readonly #objects = new Map<string, T>();
  #keys: string[] = [];
  #list: readonly T[] | undefined = [];

  get list(): readonly T[] {
    this.#list ??= this.#keys.map((key) => this.#objects.get(key)!);
    return this.#list;
  }

  /** Gives what is new, another version, or gone. */
  replace(objects: readonly T[]): readonly T[] {
    const before = new Map(this.#objects);
    this.#objects.clear();
    const changed: T[] = [];
    for (const object of objects) {
      const key = keyOf(object);
      this.#objects.set(key, object);
      if (before.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) changed.push(object);
      before.delete(key);
    }
    this.#keys = [...this.#objects.keys()].sort(compare);
    this.#list = undefined;
    return [...changed, ...before.values()];
  }

  upsert(object: T): void {
    const key = keyOf(object);
    if (!this.#objects.has(key)) this.#keys.splice(this.#position(key), 0, key);
    this.#objects.set(key, object);
    this.#list = undefined;
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

/** By code units, as etcd's keys are; not by the locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
