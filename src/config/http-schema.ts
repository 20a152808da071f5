import { choice, hostNames, integer, path, secret, text, webOrigins } from './setting-kinds.ts';
import { optional, setting, type SettingGroup } from './setting.ts';

/** `faiss-memory serve --http`; see docs/http.md. */
export const httpSchema = {
  host: setting(text(), {
    doc: 'Address to listen at. Any but this machine itself (`127.0.0.1`, `::1`, `localhost`) needs a token.',
    environmentVariable: 'MEMORY_HTTP_HOST',
    default: '127.0.0.1',
  }),
  port: setting(integer({ min: 0, max: 65_535 }), {
    doc: 'Port to listen at; 0 takes a free one.',
    environmentVariable: 'MEMORY_HTTP_PORT',
    default: 8765,
  }),
  token: secret({
    doc: 'Token that allows everything, at least 16 characters. Clients send it as `Authorization: Bearer …` or `X-API-Key: …`.',
    environmentVariable: 'MEMORY_HTTP_TOKEN',
  }),
  readToken: secret({
    doc: 'Token that allows only to read, at least 16 characters.',
    environmentVariable: 'MEMORY_HTTP_READ_TOKEN',
  }),
  allowedHosts: setting(hostNames(), {
    doc: 'Further names that clients may call this server by, with commas between; for a reverse proxy or a name in the local network.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_HOSTS',
    default: '',
  }),
  allowedOrigins: setting(webOrigins(), {
    doc: 'Web pages of other origins that may call this server, with commas between, for example `https://notes.example.org`. They get CORS headers; all others are refused.',
    environmentVariable: 'MEMORY_HTTP_ALLOWED_ORIGINS',
    default: '',
  }),
  tlsCertificate: optional(path('file'), {
    doc: 'PEM file with the certificate and its chain; with the key it turns HTTPS on.',
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
    doc: 'Requests a minute that one client address may make; 0 = any number.',
    environmentVariable: 'MEMORY_HTTP_RATE_LIMIT',
    default: 6_000,
  }),
} satisfies SettingGroup;

export const logFormat = setting(choice(['text', 'json']), {
  doc: 'How entries of the log are written: `text` for people, `json` (one object a line) for programs.',
  environmentVariable: 'MEMORY_LOG_FORMAT',
  default: 'text',
});
