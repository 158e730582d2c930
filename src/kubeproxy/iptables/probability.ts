/**
 * The probability of the first of n equal endpoints as iptables-save prints it. kube-proxy writes 1/n with ten decimals,
 * the kernel keeps a multiple of 2^-31, iptables prints that with eleven: 1/3 becomes 0.33333333349.
 */
export function probability(n: number): string {
  let text = known[n];
  if (text === undefined) {
    text = print(Math.round(Number((1 / n).toFixed(10)) * 0x80000000));
    known[n] = text;
  }
  return text;
}

const known: string[] = [];

/** m / 2^31 with eleven decimals, exactly, a tie to the even digit as printf has it. */
function print(m: number): string {
  const scaled = BigInt(m) * 10n ** 11n;
  let digits = scaled >> 31n;
  const rest = scaled - (digits << 31n);
  const half = 1n << 30n;
  if (rest > half || (rest === half && digits % 2n === 1n)) digits += 1n;
  const text = digits.toString().padStart(12, '0');
  return `${text.slice(0, -11)}.${text.slice(-11)}`;
}
