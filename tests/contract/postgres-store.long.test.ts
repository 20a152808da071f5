import { describeOnPostgres } from './on-postgres.ts';

await describeOnPostgres('processes of one folder on PostgreSQL that merge memory by memory', {
  ownFolders: false,
  settings: { stepSizes: { memories: 0, bytes: 0, milliseconds: 0 } },
});
