import { fauxqs } from '../helpers/servers/fauxqs.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(fauxqs, { conditions: 'ignored', checksKeys: false });
