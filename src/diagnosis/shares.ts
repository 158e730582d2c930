/** Shares in words: "33.3 %", "a third". */

/** One decimal, none where it is whole: "33.3 %", "50 %", "under 0.1 %". Never "0 %" for something, never "100 %" for less. */
export function percent(share: number): string {
  if (share <= 0) return '0 %';
  if (share < 0.0005) return 'under 0.1 %';
  if (share > 0.9995 && share < 1 - 1e-6) return 'over 99.9 %'; // sums of many shares are off by less
  const text = (share * 100).toFixed(1);
  return `${text.endsWith('.0') ? text.slice(0, -2) : text} %`;
}

const NAMES: readonly (readonly [number, string])[] = [
  [1, 'all'],
  [1 / 2, 'half'],
  [1 / 3, 'a third'],
  [2 / 3, 'two thirds'],
  [1 / 4, 'a quarter'],
  [3 / 4, 'three quarters'],
  [1 / 5, 'a fifth'],
  [1 / 10, 'a tenth'],
];

/** "a third" where a simple fraction has a name, else "42.9 %". */
export function fraction(share: number): string {
  return NAMES.find(([value]) => Math.abs(value - share) < 1e-6)?.[1] ?? percent(share);
}
