/** "0.02", "0.4", "2.5", "31": seconds with as many digits as matter. @param ms milliseconds */
export function seconds(ms: number): string {
  const value = ms / 1000;
  // A sync of a small cluster takes hundredths of a second.
  if (value < 0.095) return String(Number(value.toFixed(value < 0.0095 ? 3 : 2)));
  return value < 9.95 ? String(Number(value.toFixed(1))) : String(Math.round(value));
}
