/**
 * A value and where it was read. Much about a kube-proxy is written nowhere, so what is only guessed says so, and why;
 * whoever knows better can set it by hand.
 */
export interface Known<T> {
  readonly value: T;
  /** Where it stands, in words that are shown: "ConfigMap kube-system/kube-proxy", "the pod's flag --masquerade-all". */
  readonly from: string;
  /** True where nothing says so: a default, or drawn from the shape of the node's rules. */
  readonly guess: boolean;
}

export function read<T>(value: T, from: string): Known<T> {
  return { value, from, guess: false };
}

export function guessed<T>(value: T, from: string): Known<T> {
  return { value, from, guess: true };
}
