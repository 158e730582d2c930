/** iptables-save -c prints "[packets:bytes] " before each rule; what is read off a dump's rules is read without. */
export function withoutCounters(save: string): string {
  return /^\[\d+:\d+\] -A /m.test(save) ? save.replace(/^\[\d+:\d+\] (?=-A )/gm, '') : save;
}
