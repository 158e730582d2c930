import { keyOf, SERVICE_NAME_LABEL, type ObjectMeta } from '../objects.ts';

/** Services that changed longer ago than the last so many are forgotten: nobody waits for their rules any more. */
const REMEMBERED = 10_000;

/** When each Service, or an EndpointSlice of it, was last seen to change: what a watch told, not what a list had. */
export class ChangeTimes {
  /** By "namespace/name"; the latest is the last. Milliseconds since the epoch. */
  readonly #times = new Map<string, number>();

  at(service: string): number | undefined {
    return this.#times.get(service);
  }

  sawService(service: { readonly metadata: ObjectMeta }, now = Date.now()): void {
    this.#saw(keyOf(service), now);
  }

  sawSlice({ metadata }: { readonly metadata: ObjectMeta }, now = Date.now()): void {
    const name = metadata.labels?.[SERVICE_NAME_LABEL];
    if (name !== undefined) this.#saw(`${metadata.namespace ?? ''}/${name}`, now);
  }

  #saw(service: string, now: number): void {
    this.#times.delete(service);
    this.#times.set(service, now);
    if (this.#times.size > REMEMBERED) this.#times.delete(this.#times.keys().next().value!);
  }
}
