import { describeFaults } from '../contract/blob-faults.contract.ts';
import { fakeGcs } from '../helpers/servers/fake-gcs.ts';

await describeFaults(fakeGcs);
