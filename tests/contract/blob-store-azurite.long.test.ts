import { azurite } from '../helpers/servers/azurite.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(azurite, { conditions: 'honoured', checksKeys: true });
