import { t } from './words.ts';

/** "just now", "12 s ago", "4 min ago", "3 h ago", and from a day on the date. @param at milliseconds since the epoch */
export function age(at: number, now = Date.now()): string {
  const seconds = Math.round((now - at) / 1000);
  if (seconds < 3) return t('just now');
  if (seconds < 60) return t('{0} s ago', seconds);
  if (seconds < 3600) return t('{0} min ago', Math.round(seconds / 60));
  if (seconds < 86_400) return t('{0} h ago', Math.round(seconds / 3600));
  return moment(at);
}

/** "2026-11-23 17:03", in the reader's time zone. */
export function moment(at: number): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** "17:03:10", in the reader's time zone. */
export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}
