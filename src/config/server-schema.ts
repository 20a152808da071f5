import {
  choice,
  hostNames,
  integer,
  optional,
  path,
  schemaName,
  secret,
  setting,
  type SettingGroup,
  spaceId,
  text,
  webOrigins,
} from './setting.ts';

export const storeKind = setting(choice(['sqlite', 'postgres']), {
  doc: 'Where the memories are: `sqlite` in the data folder; `postgres` in a database that several servers share, see docs/team.md. The data folder then has an index of it, which can be lost.',
  environmentVariable: 'MEMORY_STORE',
  default: 'sqlite',
});

/** The shared database; docs/team.md explains it. */
export const databaseSchema = {
  url: secret({
    doc: 'Address of the PostgreSQL database, for `MEMORY_STORE=postgres`: `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path`. Several hosts are separated by commas; `target_session_attrs=read-write` then takes the one that can write.',
    environmentVariable: 'MEMORY_DATABASE_URL',
  }),
  schema: setting(schemaName(), {
    doc: 'Schema of the tables in the database. It is made when it is not there.',
    environmentVariable: 'MEMORY_DATABASE_SCHEMA',
    default: 'faiss_memory',
  }),
  space: setting(spaceId(), {
    doc: 'Space of the database that holds the memories. Each space has memories of its own.',
    environmentVariable: 'MEMORY_DATABASE_SPACE',
    default: 'default',
  }),
} satisfies SettingGroup;

/** Settings of `faiss-memory serve --http`; docs/http.md explains them. */
export const httpSchema = {
  host: setting(text(), {
    doc: 'Address to listen on. Any address other than this machine itself (`127.0.0.1`, `::1`, `localhost`) needs a token.',
    environmentVariable: 'MEMORY_HTTP_HOST',
    default: '127.0.0.1',
  }),
  port: setting(integer({ min: 0, max: 65_535 }), {
    doc: 'Port to listen on; 0 takes a free one.',
    environmentVariable: 'MEMORY_HTTP_PORT',
    default: 8765,
  }),
  token: secret({
    doc: 'Token that allows everything, at least 16 characters. Clients send it as `Authorization: Bearer …` or `X-API-Key: …`.',
    environmentVariable: 'MEMORY_HTTP_TOKEN',
  }),
  readToken: secret({
    doc: 'Token that allows reading only, at least 16 characters.',
    environmentVariable: 'MEMORY_HTTP_READ_TOKEN',
  }),
  allowedHosts: setting(hostNames(), {
    doc: 'Further host names of this server, separated by commas; for a reverse proxy or a name in the local network.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_HOSTS',
    default: '',
  }),
  allowedOrigins: setting(webOrigins(), {
    doc: 'Other origins whose web pages may call this server, separated by commas, for example `https://notes.example.org`. They get CORS headers; all others are refused.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_ORIGINS',
    default: '',
  }),
  tlsCertificate: optional(path('file'), {
    doc: 'PEM file with the certificate and its chain. Together with the key it turns HTTPS on.',
    environmentVariable: 'MEMORY_HTTP_TLS_CERTIFICATE',
    defaultDoc: 'none',
  }),
  tlsKey: optional(path('file'), {
    doc: 'PEM file with the private key.',
    environmentVariable: 'MEMORY_HTTP_TLS_KEY',
    defaultDoc: 'none',
  }),
  bodyLimitMiB: setting(integer({ min: 1, max: 1_024 }), {
    doc: 'Largest request in MiB; imports may be 64 times as large.',
    environmentVariable: 'MEMORY_HTTP_BODY_LIMIT_MIB',
    default: 16,
  }),
  rateLimit: setting(integer({ min: 0, max: 10_000_000 }), {
    doc: 'Requests per minute that one client address may make; 0 = no limit.',
    environmentVariable: 'MEMORY_HTTP_RATE_LIMIT',
    default: 6_000,
  }),
  concurrency: setting(integer({ min: 0, max: 10_000 }), {
    doc: 'Requests that are worked on at the same time; more of them wait. 0 = any number.',
    environmentVariable: 'MEMORY_HTTP_CONCURRENCY',
    default: 32,
  }),
  queue: setting(integer({ min: 0, max: 100_000 }), {
    doc: 'Requests that may wait for their turn, 5 seconds at most; more are refused with 503 and `Retry-After`.',
    environmentVariable: 'MEMORY_HTTP_QUEUE',
    default: 256,
  }),
  drainSeconds: setting(integer({ min: 0, max: 300 }), {
    doc: 'How long a server that is asked to stop goes on taking requests while `/health/ready` already says 503, so that a load balancer looks elsewhere first.',
    environmentVariable: 'MEMORY_HTTP_DRAIN_SECONDS',
    default: 0,
  }),
} satisfies SettingGroup;
