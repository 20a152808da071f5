import { minio } from '../helpers/servers/minio.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(minio, { conditions: 'honoured', checksKeys: true });
