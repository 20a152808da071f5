import { ceph } from '../helpers/servers/ceph.ts';
import { describeOnServer } from './on-test-server.ts';

// Compares etags without their quotation marks only.
await describeOnServer(ceph, { conditions: 'absent-only', checksKeys: true });
