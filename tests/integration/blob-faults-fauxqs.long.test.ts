import { describeFaults } from '../contract/blob-faults.contract.ts';
import { fauxqs } from '../helpers/servers/fauxqs.ts';

await describeFaults(fauxqs);
