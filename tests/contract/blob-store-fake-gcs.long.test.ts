import { fakeGcs } from '../helpers/servers/fake-gcs.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(fakeGcs, { conditions: 'honoured', checksKeys: false });
