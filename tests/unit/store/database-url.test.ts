import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaissMemoryError } from '../../../src/errors/faiss-memory-error.ts';
import { type DatabaseAddress, parseDatabaseUrl } from '../../../src/store/postgres/database-url.ts';
import { CertificateAuthority } from '../../helpers/servers/certificates.ts';
import { temporaryFolder } from '../../helpers/sqlite-store.ts';

const parse = parseDatabaseUrl;

/** Everything that an error shows to people. */
function saidAbout(url: string): string {
  try {
    const { location } = parse(url);
    return location;
  } catch (error) {
    if (!(error instanceof FaissMemoryError)) throw error;
    expect(error.code).toBe('CONFIGURATION');
    return `${error.message} ${error.fix ?? ''} ${String(error.cause)}`;
  }
}

describe('the address of a database', () => {
  test('has the parts that it names, and the usual ones for the others', () => {
    expect(parse('postgres://ada:secret@db.example.org:6432/notes')).toMatchObject({
      hosts: [{ host: 'db.example.org', port: 6432 }],
      user: 'ada',
      password: 'secret',
      database: 'notes',
      tls: { rejectUnauthorized: true },
      writable: false,
      connectTimeoutMs: 3_000,
      applicationName: 'faiss-memory',
      location: 'postgres://db.example.org:6432/notes',
    });
    const short = parse('postgresql://');
    expect([short.hosts, short.user, short.database, short.tls]).toEqual([
      [{ host: 'localhost', port: 5432 }],
      userInfo().username,
      userInfo().username,
      false,
    ]);
  });

  test.each<[url: string, hosts: DatabaseAddress['hosts']]>([
    ['postgres://[::1]:5433/db', [{ host: '::1', port: 5433 }]],
    ['postgres://[fe80::1%25eth0]/db', [{ host: 'fe80::1%eth0', port: 5432 }]],
    ['postgres:///db?host=/var/run/postgresql', [{ host: '/var/run/postgresql', port: 5432 }]],
    ['postgres://%2Fvar%2Frun:5433/db', [{ host: '/var/run', port: 5433 }]],
    [
      'postgres://a,b:1,c/db',
      [
        { host: 'a', port: 5432 },
        { host: 'b', port: 1 },
        { host: 'c', port: 5432 },
      ],
    ],
    [
      'postgres:///db?host=a,b&port=1,2',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    [
      'postgres://a,b/db?port=7',
      [
        { host: 'a', port: 7 },
        { host: 'b', port: 7 },
      ],
    ],
  ])('%s has its hosts', (url, hosts) => {
    expect(parse(url).hosts).toEqual(hosts);
  });

  test('of several hosts takes one that is writable, unless it says otherwise', () => {
    expect(parse('postgres://a,b/db').writable).toBe(true);
    expect(parse('postgres://a,b/db?target_session_attrs=any').writable).toBe(false);
    expect(parse('postgres://a/db?target_session_attrs=primary').writable).toBe(true);
  });

  test('has no TLS on this machine, and checks the whole certificate elsewhere', () => {
    expect(parse('postgres://127.0.0.1,localhost,[::1]/db').tls).toBe(false);
    expect(parse('postgres://localhost,other/db').tls).toMatchObject({ rejectUnauthorized: true });
    expect(parse('postgres://other/db').tls).not.toHaveProperty('checkServerIdentity');
    expect(parse('postgres://other/db?sslmode=disable').tls).toBe(false);
    expect(parse('postgres://other/db?sslmode=require').tls).toMatchObject({ rejectUnauthorized: false });
    const { certificate, key, pem } = new CertificateAuthority(temporaryFolder());
    const pair = `&sslcert=${certificate}&sslkey=${key}`;
    expect(parse(`postgres://other/db?sslmode=require&sslrootcert=${certificate}${pair}`).tls).toMatchObject({
      ca: pem,
      cert: pem,
      rejectUnauthorized: true,
    });
    expect(parse('postgres://other/db?channel_binding=require').channelBinding).toBe('require');
  });

  test.each<[url: string, said: RegExp]>([
    ['mysql://a/b', /is not an address/],
    ['postgres://a/b#c', /is not an address/],
    ['postgres://a/b?sslmode=prefer', /sslmode=prefer, which goes on without TLS.*sslmode=require/],
    ['postgres://a/b?sslmode=yes', /sslmode=yes.*verify-full/],
    ['postgres://a/b?sslmode=require&sslmode=disable', /parameter sslmode twice/],
    ['postgres://a/b?sslrootcert=/no/such.pem', /cannot be read/],
    ['postgres://localhost/b?channel_binding=require', /channel_binding=require without TLS/],
    ['postgres://a/b?options=-c', /parameter options.*the parameters are/],
    ['postgres://a/b?connect_timeout=0', /connect_timeout=0/],
    ['postgres://a/b?target_session_attrs=standby', /target_session_attrs=standby/],
    ['postgres://a:0/b', /wrong host or port as number 1/],
    ['postgres://a,b:x/b', /wrong host or port as number 2/],
    ['postgres://a:1e3/b', /wrong host or port/],
    ['postgres://%zz/b', /wrong % sign/],
  ])('%s is refused, and says why', (url, said) => {
    expect(saidAbout(url)).toMatch(said);
  });

  test('names files of certificates that can be used, or says which cannot', () => {
    const folder = temporaryFolder();
    const { certificate, key } = new CertificateAuthority(folder);
    const other = new CertificateAuthority(folder, 'other');
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'not a certificate');
    const about = (parameters: string): string => saidAbout(`postgres://a/b?${parameters}`);
    expect(about(`sslrootcert=${text}`)).toMatch(/sslrootcert=.*notes\.txt, which has no certificate/);
    expect(about(`sslcert=${certificate}`)).toMatch(/has one of sslcert and sslkey/);
    expect(about(`sslcert=${text}&sslkey=${key}`)).toMatch(/sslcert=.*which has no certificate/);
    expect(about(`sslcert=${certificate}&sslkey=${text}`)).toMatch(/is not the key of sslcert/);
    expect(about(`sslcert=${certificate}&sslkey=${other.key}`)).toMatch(/is not the key of sslcert/);
  });

  test.each([
    'postgres://ada:sec@ret@host/db',
    'postgres://ada:sec/ret@host/db',
    'postgres://ada:sec?ret@host/db',
    'postgres://ada:sec#ret@host/db',
    'postgres://ada:%ret@host/db',
    'postgres://ada:secret',
    'postgres://ada:secret/db',
    'postgres://ada:x,secret@host:port/db',
  ])('%s, whose password was not written as it must be, is refused without showing it', (url) => {
    expect(saidAbout(url)).not.toMatch(/sec|ret@|ret\b/);
  });

  test('carries any user, password and name, and shows no password whatever it is', () => {
    const word = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
    fc.assert(
      fc.property(word, word, word, fc.constantFrom('', '?sslmode=disable'), (user, password, name, more) => {
        const part = encodeURIComponent;
        const secret = `<${password}>`;
        const url = `postgres://${part(user)}:${part(secret)}@host/${part(name)}${more}`;
        expect(parse(url)).toMatchObject({ user, password: secret, database: name });
        expect(saidAbout(url)).toBe(`postgres://host:5432/${name}`);
        const inQuery = `postgres://host/db?user=${part(user)}&password=${part(secret)}&dbname=${part(name)}`;
        expect(parse(inQuery)).toMatchObject({ user, password: secret, database: name });
      }),
    );
  });

  test('never fails in another way, whatever the text is', () => {
    const piece = fc.constantFrom(
      ...Array.from('@:/?#[]%,=&'),
      'a',
      '1',
      '%40',
      'sslmode',
      'host',
      'é',
      '\n',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 20 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (rest) => {
        saidAbout(rest);
        expect(saidAbout(`postgres://ada:<secret>@${rest}`)).not.toContain('secret');
      }),
    );
  });
});
