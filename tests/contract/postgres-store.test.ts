import { describeOnPostgres } from './on-postgres.ts';

await describeOnPostgres('servers on PostgreSQL', { ownFolders: true });
