import { swift } from '../helpers/servers/swift.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(swift, { conditions: 'refused', checksKeys: true, manyObjects: 1100 });
