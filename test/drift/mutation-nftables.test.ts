import { testBreaks } from './break-all.ts';
import { breakNftables } from './mutations-nft.ts';

testBreaks('nftables', 'nft.json', breakNftables);
