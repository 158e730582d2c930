/** Priorities by name (nft's src/rule.c, std_prios and bridge_std_prios; the numbers are the kernel's NF_IP_PRI_*). */
const NAMES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};
const BRIDGE_NAMES: Readonly<Record<string, number>> = { dstnat: -300, filter: -200, out: 100, srcnat: 300 };

/** "dstnat - 10", "srcnat", "-110"; undefined where it is none of these. */
export function parsePriority(text: string, family: string): number | undefined {
  const found = /^([a-z]+)?\s*([+-]?\s*\d+)?$/.exec(text.trim());
  if (!found || text.trim() === '') return undefined;
  const [, name, offset] = found;
  const base = name === undefined ? 0 : (family === 'bridge' ? BRIDGE_NAMES : NAMES)[name];
  if (base === undefined) return undefined;
  return base + (offset === undefined ? 0 : Number(offset.replace(/\s+/g, '')));
}
