import { describeFaults } from '../contract/blob-faults.contract.ts';
import { azurite } from '../helpers/servers/azurite.ts';

await describeFaults(azurite);
