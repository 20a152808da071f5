import { rclone } from '../helpers/servers/rclone.ts';
import { describeOnServer } from './on-test-server.ts';

await describeOnServer(rclone, { conditions: 'ignored', checksKeys: true });
