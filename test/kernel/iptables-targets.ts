import type { Place } from './iptables-language.ts';
import { span } from './iptables-matches.ts';
import { MARKS, POOL, PORTS } from './node.ts';

/** A target's words, and what the rule must say for iptables to take it. */
export interface TargetWords {
  readonly words: string;
  readonly needs?: 'tcp' | 'ports';
}

const hex = (value: number): string => `0x${value.toString(16)}`;

export function randomTarget(place: Place): TargetWords {
  const { random, family, table, hook, below } = place;
  const pool = POOL[family];
  if (below.length > 0 && random.chance(0.45))
    return { words: `-${random.one(['j', 'j', 'j', 'g'])} ${random.one(below)}` };
  const destinations = hook === 'prerouting' || hook === 'output';
  const nat = table === 'nat';
  const kind = random.weighted({
    ACCEPT: table === 'filter' ? 3 : 2,
    RETURN: 2.5,
    none: 0.5,
    LOG: 0.4,
    DROP: table === 'filter' || table === 'security' ? 1.2 : nat ? 0 : 0.2,
    REJECT: table === 'filter' ? 3 : 0,
    MARK: { mangle: 8, raw: 4, nat: 4, filter: 1, security: 1 }[table],
    CONNMARK: { mangle: 4, raw: 0.5, nat: 0, filter: 0.5, security: 0 }[table],
    CT: table === 'raw' ? 0.25 : 0,
    TOS: table === 'mangle' ? 0.5 : 0,
    DNAT: nat && destinations ? 8 : 0,
    REDIRECT: nat && destinations ? 1.2 : 0,
    NETMAP: nat ? 0.4 : 0,
    MASQUERADE: nat && hook === 'postrouting' ? 4 : 0,
    SNAT: nat && !destinations ? 2 : 0,
  });
  const mark = random.one(MARKS);
  const mask = random.one([...MARKS, 0xffff]);
  switch (kind) {
    case 'none':
      return { words: '' };
    case 'LOG':
      return {
        words: random.one(
          ['-j NFLOG --nflog-group 5', '-j NFLOG --nflog-prefix "-j DROP"', '-j CLASSIFY --set-class 1:1'].slice(
            0,
            table === 'mangle' ? 3 : 2,
          ),
        ),
      };
    case 'MARK':
      return {
        words: `-j MARK ${random.one([`--set-mark ${hex(mark)}`, `--set-xmark ${hex(mark)}/${hex(mask)}`, `--set-mark ${hex(mark)}/${hex(mask)}`, `--or-mark ${hex(mark)}`, `--and-mark ${hex(mask)}`, `--xor-mark ${hex(mark)}`])}`,
      };
    case 'CONNMARK':
      return {
        words: `-j CONNMARK ${random.one(['--save-mark', '--restore-mark', `--set-xmark ${hex(mark)}/${hex(mask)}`, `--save-mark --nfmask ${hex(mask)} --ctmask ${hex(mask)}`, `--restore-mark --nfmask ${hex(mask)} --ctmask ${hex(mask)}`, `--set-mark ${hex(mark)}`, `--or-mark ${hex(mark)}`])}`,
      };
    case 'CT':
      return { words: '-j CT --notrack' };
    case 'TOS':
      return { words: random.one(['-j DSCP --set-dscp 10', '-j TOS --set-tos 0x10']) };
    case 'REJECT': {
      if (random.chance(0.2)) return { words: '-j REJECT --reject-with tcp-reset', needs: 'tcp' };
      const answers =
        family === 6
          ? ['', 'icmp6-adm-prohibited', 'icmp6-addr-unreachable', 'icmp6-no-route']
          : ['', 'icmp-host-unreachable', 'icmp-admin-prohibited', 'icmp-net-prohibited'];
      const answer = random.one(answers);
      return { words: `-j REJECT${answer ? ` --reject-with ${answer}` : ''}` };
    }
    case 'MASQUERADE':
      // without it the source may stay as it is, where the address is the same
      return { words: '-j MASQUERADE --random-fully' };
    case 'SNAT': {
      const range = random.chance(0.2) ? span(random, pool.sources) : random.one(pool.sources);
      return { words: `-j SNAT --to-source ${range}${random.one(['', ' --random-fully', ' --persistent'])}` };
    }
    case 'NETMAP':
      if (destinations) return { words: `-j NETMAP --to ${family === 6 ? 'fd00:244:3::/120' : '10.244.3.0/24'}` };
      return { words: `-j NETMAP --to ${family === 6 ? '2001:db8:18::/120' : '198.18.0.0/24'}` };
    case 'REDIRECT':
      if (random.chance(0.3)) return { words: '-j REDIRECT' };
      return { words: `-j REDIRECT --to-ports ${random.one([random.one(PORTS), ...ports(place)])}`, needs: 'ports' };
    case 'DNAT': {
      const quick = random.chance(0.2) ? span(random, pool.pods.slice(0, 3)) : undefined;
      const to = quick ?? random.one([...pool.pods, ...pool.pods, ...pool.pods, ...pool.local]);
      const persistent = quick && random.chance(0.3) ? ' --persistent' : '';
      if (random.chance(quick ? 0.6 : 0.3)) return { words: `-j DNAT --to-destination ${to}${persistent}` };
      const port = random.one([...Array.from({ length: 4 }, () => random.one(PORTS)), ...ports(place)]);
      return {
        words: `-j DNAT --to-destination ${family === 6 ? `[${to}]` : to}:${port}${persistent}`,
        needs: 'ports',
      };
    }
    default:
      return { words: `-j ${kind}` };
  }
}

function ports({ random }: Place): readonly string[] {
  const low = random.one([8000, 8080, 50, 442]);
  const range = `${low}-${low + random.one([1, 3])}`;
  return [range, `${range} --random`];
}
