import { describeFaults } from '../contract/blob-faults.contract.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';

await describeFaults(versitygw);
