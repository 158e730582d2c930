import type { NodeCapture, NodeRules } from '../kubernetes/source.ts';

/** What was read of a node last, even where it is being read again or could not be. */
export function captureIn(rules: NodeRules): NodeCapture | undefined {
  switch (rules.kind) {
    case 'captured':
      return rules.capture;
    case 'capturing':
    case 'failed':
      return rules.earlier;
    case 'none':
      return undefined;
  }
}
