import { versitygw } from '../helpers/servers/versitygw.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(versitygw, { conditions: 'honoured', checksKeys: true });
