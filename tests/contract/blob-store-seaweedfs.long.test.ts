import { seaweedfs } from '../helpers/servers/seaweedfs.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(seaweedfs, { conditions: 'honoured', checksKeys: true });
