import { testBreaks } from './break-all.ts';
import { breakIptables } from './mutations.ts';

testBreaks('iptables', 'iptables-save.txt', breakIptables);
