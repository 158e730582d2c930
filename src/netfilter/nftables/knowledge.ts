/**
 * What a trace knows of nftables, for the documentation: every selector and statement by the place where it is decided. Each entry has a rule
 * as an example, which a test traces to see that the entry says the truth.
 */

/** The same words as for iptables: from packet, node and dump alone; by chance; now this, now that; by asking. */
export type Knowledge = 'decided' | 'split' | 'partly' | 'unknown';

export interface Known {
  readonly name: string;
  readonly knowledge: Knowledge;
  readonly about: string;
  /** A rule in a chain of the hook, for a TCP packet that is forwarded; with `partly` one that has to be asked for. */
  readonly example: string;
  readonly hook?: 'prerouting' | 'postrouting';
  readonly type?: 'nat';
}

export const SELECTORS: readonly Known[] = [
  {
    name: 'ip, ip6: saddr, daddr, protocol, nexthdr, version',
    knowledge: 'decided',
    about: 'the packet as translated so far; of the other family never, nor its opposite',
    example: 'ip daddr 10.244.1.5 drop',
  },
  {
    name: 'ip, ip6: dscp',
    knowledge: 'partly',
    about: 'decided where a rule has set it',
    example: 'ip dscp cs1 drop',
  },
  {
    name: 'ip, ip6: length, ttl, hoplimit, id, frag-off, …',
    knowledge: 'unknown',
    about: 'no case tells',
    example: 'ip ttl 1 drop',
  },
  {
    name: 'tcp, udp, sctp, th: dport',
    knowledge: 'decided',
    about: 'as translated so far; a packet without ports matches neither it nor its opposite',
    example: 'tcp dport 80 drop',
  },
  {
    name: 'tcp, udp, sctp, th: sport',
    knowledge: 'partly',
    about: 'a port that no case names is some port from 1024 up: asked where a rule cuts that range',
    example: 'tcp sport 5000-6000 drop',
  },
  {
    name: 'tcp flags',
    knowledge: 'decided',
    about: 'a first packet is a SYN, one of a known connection an ACK',
    example: 'tcp flags syn drop',
  },
  {
    name: 'icmp, icmpv6: type, code',
    knowledge: 'decided',
    about: 'an icmp packet is an echo request',
    example: 'icmp type echo-request drop',
  },
  {
    name: 'ether, vlan',
    knowledge: 'partly',
    about: 'what the node sends has none yet; of others it is asked for',
    example: 'ether saddr 00:11:22:33:44:55 drop',
  },
  {
    name: '@nh, @th, tcp option, ip option, exthdr, socket, osf, ipsec, rt',
    knowledge: 'unknown',
    about: 'no case tells',
    example: 'tcp option sack-perm exists drop',
  },
  {
    name: 'meta mark, ct mark',
    knowledge: 'decided',
    about: 'as rules have set them, with `&`, `|`, `^` and shifts; before conntrack `ct mark` breaks the rule off',
    example: 'meta mark & 0x4000 == 0x4000 drop',
  },
  {
    name: 'meta l4proto, nfproto, protocol, pkttype',
    knowledge: 'decided',
    about: 'the packet',
    example: 'meta l4proto { tcp, udp } drop',
  },
  {
    name: 'iif, oif, iifname, oifname',
    knowledge: 'partly',
    about: 'an interface that is not there has an empty name; asked where a route, and so the way out, is not known',
    example: 'oifname "eth1" drop',
  },
  {
    name: 'meta skuid, skgid, cgroup',
    knowledge: 'partly',
    about: 'what comes from outside has none; of what the node sends it is asked for',
    example: 'meta skuid 0 drop',
    hook: 'postrouting',
  },
  {
    name: 'meta length, priority, cpu, hour, day, time, iifgroup, iifkind, …',
    knowledge: 'unknown',
    about: 'no case tells',
    example: 'meta length > 100 drop',
  },
  {
    name: 'ct state, status, direction, original and reply addresses and ports, zone, protocol',
    knowledge: 'decided',
    about:
      '`ct state new` tests bits, `==` the whole word; before conntrack the state is INVALID, and all else breaks the rule off',
    example: 'ct state new drop',
  },
  {
    name: 'ct helper, label, expiration, bytes, packets, id',
    knowledge: 'unknown',
    about: 'what conntrack holds is in no dump',
    example: 'ct helper "ftp" drop',
  },
  {
    name: 'fib: type, oif, oifname',
    knowledge: 'partly',
    about: "the node's addresses and routes; asked where routes are not known",
    example: 'fib saddr oifname "eth1" drop',
    hook: 'prerouting',
  },
  {
    name: 'numgen, meta random',
    knowledge: 'split',
    about: 'each number with its share; which turn `inc` is at, nobody knows',
    example: 'numgen random mod 2 0 drop',
  },
  {
    name: 'jhash, symhash',
    knowledge: 'partly',
    about:
      'jhash of addresses, ports, protocol and marks by the seed that the rule has; without one, and symhash: always the same for one packet, but seeded by the kernel, one way for each number',
    example: 'jhash ip saddr mod 2 0 drop',
  },
  {
    name: 'sets, maps, verdict maps',
    knowledge: 'decided',
    about:
      'intervals, concatenations, `*`; listed elements of dynamic sets are known, and others are none; asked where the set is not in the dump',
    example: 'ip daddr . tcp dport vmap { 10.244.1.5 . 80 : drop }',
  },
];

export const STATEMENTS: readonly Known[] = [
  {
    name: 'accept, drop, return, continue, jump, goto, reject',
    knowledge: 'decided',
    about: 'to a chain that is not in the dump: asked',
    example: 'reject with icmp host-unreachable',
  },
  {
    name: 'meta mark set, ct mark set, ct zone set, ip … set, th … set',
    knowledge: 'decided',
    about: 'constants, other marks, maps; chance makes several ways',
    example: 'meta mark set meta mark | 0x4000',
  },
  {
    name: 'dnat, snat, masquerade, redirect',
    knowledge: 'decided',
    about: 'maps, ranges of ports and addresses (by the kernel’s own hash), prefixes; `random` ports by chance',
    example: 'meta l4proto tcp dnat to 10.244.1.6:8080',
    hook: 'prerouting',
    type: 'nat',
  },
  {
    name: 'notrack',
    knowledge: 'decided',
    about: 'before conntrack; what is not tracked is not translated',
    example: 'notrack',
    hook: 'prerouting',
  },
  {
    name: 'add, update, delete @set',
    knowledge: 'decided',
    about: 'seen by the rules that come later',
    example: 'update @recent { ip saddr }',
  },
  {
    name: 'counter, log, ct helper set, ct timeout set, flow add, dup',
    knowledge: 'decided',
    about: 'let the packet go on',
    example: 'log prefix "x" counter',
  },
  {
    name: 'limit, quota, ct count, meter',
    knowledge: 'unknown',
    about: 'what is left of it, no dump tells',
    example: 'limit rate 5/second drop',
  },
  {
    name: 'queue, synproxy, tproxy',
    knowledge: 'unknown',
    about: 'a program decides',
    example: 'queue to 3',
  },
  {
    name: 'xt (an iptables extension in a table of iptables-nft)',
    knowledge: 'unknown',
    about: 'nft shows the name alone; iptables-save says more, and is used where it is there',
    example: 'xt match recent drop',
  },
];
