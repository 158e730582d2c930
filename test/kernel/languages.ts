import { iptablesLanguage } from './iptables-language.ts';
import type { RandomLanguage } from './language.ts';
import { nftablesLanguage } from './nftables/language.ts';

/** Every language that random rule sets are written in. */
export const LANGUAGES: readonly RandomLanguage[] = [iptablesLanguage, nftablesLanguage];
