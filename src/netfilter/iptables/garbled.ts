import type { RuleSource } from './decode.ts';
import type { Token } from './tokens.ts';

/**
 * Rules that an iptables prints which is older than the one that wrote them: parts are missing, and what is left reads as something else,
 * often as "drop everything". Seen with kubelet's and kube-proxy's rules (kubernetes/kubernetes#95409, #112477, #114537).
 * Answers what is wrong, in words.
 */
export function garbledBy(tokens: readonly Token[], { text }: RuleSource): string | undefined {
  const words = tokens.map((token) => token.text);
  const at = words.indexOf('[unsupported');
  if (at >= 0)
    return `iptables printed "${text.slice(tokens[at]!.start, tokens[Math.min(at + 1, tokens.length - 1)]!.end)}" in place of what it does not understand`;
  const unsupported = tokens.findIndex((token) => !token.quoted && /^UNKNOWN|^\[ERROR/.test(token.text));
  if (unsupported >= 0) return `iptables printed "${words[unsupported]!}" in place of what it does not understand`;
  const comment = words[words.indexOf('--comment') + 1] ?? '';
  const marks = words.includes('mark') || words.includes('connmark');
  const target = words[words.indexOf('-j') + 1];
  for (const [what, jump] of LOST_MARKS)
    if (comment === what && target === jump && !marks)
      return `its comment says "${what}", but the match of the mark is missing, so that it reads as for every packet`;
  if (words[1] === 'KUBE-POSTROUTING' && target === 'RETURN' && !marks)
    return 'kube-proxy returns here only for packets without its mark, but the match of the mark is missing';
  return undefined;
}

/** Rules of kubelet and kube-proxy that always match a mark: comment and target. */
const LOST_MARKS = [
  ['kubernetes firewall for dropping marked packets', 'DROP'],
  ['kubernetes forwarding rules', 'ACCEPT'],
] as const;
