import type { ClusterObjects, KubeProxyByHand } from './objects.ts';
import type { ClusterSource, Disposable, NodeRules, SourceChange, SourceState } from './source.ts';

/** The source, with what a user knows better than its API about kube-proxy. Disposing it disposes the source. */
export function withByHand(source: ClusterSource, byHand: KubeProxyByHand | undefined): ClusterSource {
  return byHand ? new SourceByHand(source, byHand) : source;
}

class SourceByHand implements ClusterSource {
  readonly #source: ClusterSource;
  readonly #byHand: KubeProxyByHand;
  #made: { readonly of: ClusterObjects; readonly objects: ClusterObjects } | undefined;

  constructor(source: ClusterSource, byHand: KubeProxyByHand) {
    this.#source = source;
    this.#byHand = byHand;
  }

  get name(): string {
    return this.#source.name;
  }

  get kind(): ClusterSource['kind'] {
    return this.#source.kind;
  }

  get location(): string {
    return this.#source.location;
  }

  get state(): SourceState {
    return this.#source.state;
  }

  get objects(): ClusterObjects {
    const of = this.#source.objects;
    if (this.#made?.of !== of) this.#made = { of, objects: { ...of, kubeProxyByHand: this.#byHand } };
    return this.#made.objects;
  }

  onDidChange(listener: (change: SourceChange) => void): Disposable {
    return this.#source.onDidChange(listener);
  }

  readonly changedAt = (service: string): number | undefined => this.#source.changedAt?.(service);

  rules(node: string): NodeRules {
    return this.#source.rules(node);
  }

  capture(nodes: readonly string[], signal?: AbortSignal): Promise<void> {
    return this.#source.capture(nodes, signal);
  }

  dispose(): void {
    this.#source.dispose();
  }
}
