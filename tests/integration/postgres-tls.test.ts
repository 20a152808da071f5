import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { FaissMemoryError } from '../../src/errors/faiss-memory-error.ts';
import { PostgresLog } from '../../src/store/postgres/postgres-log.ts';
import { draft } from '../helpers/drafts.ts';
import { runProgram } from '../helpers/run-program.ts';
import { CertificateAuthority, type MadeCertificate } from '../helpers/servers/certificates.ts';
import { nobody } from '../helpers/servers/postgres.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { describeWithPostgres } from '../helpers/with-postgres.ts';

/** Each character of it means something in an address, in SQL, in a shell, or to SASLprep. */
const PASSWORD = `p@ss/w:o?r#d%25 &=+é'"\\$\u00A0ﬁ`;
/** The tests make databases without TLS. `app` has to have it, and `certified` a certificate of its own too. */
const RULES = `host all owner 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-full
hostssl all app 127.0.0.1/32 scram-sha-256
`;

interface Address {
  readonly host?: string;
  readonly port?: string;
  readonly user?: string;
  readonly password?: string;
  /** Parameters. */
  readonly [name: string]: string | undefined;
}

/** What the server shows, which a test can replace. */
class Served {
  readonly folder = mkdtempSync(join(tmpdir(), 'faiss-memory-certificates-'));
  readonly authority = new CertificateAuthority(this.folder);
  readonly usual = this.authority.issue('usual', { of: 'localhost' });

  constructor() {
    chmodSync(this.folder, 0o755);
    writeFileSync(this.#path('rules'), RULES);
    this.show(this.usual);
  }

  get options(): string[] {
    return [
      'fsync=off',
      'ssl=on',
      `ssl_cert_file=${this.#path('served.crt')}`,
      `ssl_key_file=${this.#path('served.key')}`,
      `ssl_ca_file=${this.authority.certificate}`,
      `hba_file=${this.#path('rules')}`,
    ];
  }

  show({ certificate, key }: MadeCertificate): void {
    copyFileSync(certificate, this.#path('served.crt'));
    copyFileSync(key, this.#path('served.key'));
    const owner = nobody();
    if (owner !== null) chownSync(this.#path('served.key'), ...owner);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}

let served: Served | undefined;

function shown(): Served {
  return (served ??= new Served());
}

const options = (): readonly string[] => shown().options;

await describeWithPostgres(
  'a database behind TLS',
  (server) => {
    let database = '';
    let root = '';

    beforeAll(async () => {
      const url = await server().createDatabase();
      database = url.split('/').at(-1) ?? '';
      root = shown().authority.certificate;
      const quoted = PASSWORD.replaceAll("'", "''");
      for (const role of ['app', 'certified']) {
        await server().sql(`CREATE ROLE ${role} LOGIN PASSWORD '${quoted}'`);
      }
      await server().sql('GRANT app TO certified');
      await server().sql(`GRANT CREATE ON DATABASE ${database} TO app`);
    });
    afterAll(() => served?.remove());

    const address = ({
      host = 'localhost',
      port = String(server().port),
      user = 'app',
      password = PASSWORD,
      ...more
    }: Address = {}): string => {
      const query = Object.entries(more).map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`);
      return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}?${query.join('&')}`;
    };
    const hidden = (text: string): string => {
      for (const form of [PASSWORD, encodeURIComponent(PASSWORD), JSON.stringify(PASSWORD).slice(1, -1)])
        expect(text).not.toContain(form);
      expect(text).not.toMatch(/p@ss|p%40ss|w:o\?r|w%3Ao/);
      return text;
    };
    /** `stored`, or all that a refusal says. */
    const outcome = async (given: Address): Promise<string> => {
      try {
        const log = new PostgresLog({ url: address(given), schema: 'faiss_memory', space: 'team' });
        const store = openSqliteStore(temporaryFolder(), { now: () => Date.now(), log });
        await store.add([draft('a fact')]);
        return 'stored';
      } catch (error) {
        if (!(error instanceof FaissMemoryError)) throw error;
        hidden(inspect(error, { depth: 9, showHidden: true }));
        return `${error.code} ${error.message} ${error.fix ?? ''}`;
      }
    };
    const secure = (more: Address = {}): Address => ({
      sslmode: 'verify-full',
      sslrootcert: root,
      ...more,
    });

    test('takes what knows its certificate, bound to the connection or not', async () => {
      expect(await outcome({ sslmode: 'require' })).toBe('stored');
      expect(await outcome(secure({ sslmode: 'verify-ca' }))).toBe('stored');
      expect(await outcome(secure())).toBe('stored');
      expect(await outcome(secure({ channel_binding: 'require' }))).toBe('stored');
      expect(await outcome(secure({ channel_binding: 'prefer' }))).toBe('stored');
      const lines = await server().sql(
        `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'app'`,
      );
      expect(lines).toEqual([{ ssl: true }]);
    });

    test('is not used unbound or without TLS when the address wants it', async () => {
      const trusted = { user: 'owner', host: '127.0.0.1', sslmode: 'require', channel_binding: 'require' };
      expect(await outcome(trusted)).toMatch(/^STORE_UNAVAILABLE .*does not offer channel_binding/);
      // As a server without TLS answers.
      const plain = createServer((socket) => {
        socket.on('error', () => undefined).once('data', () => socket.write('N'));
      });
      onTestFinished(() => void plain.close());
      await once(plain.listen(0, '127.0.0.1'), 'listening');
      const { port } = plain.address() as AddressInfo;
      expect(await outcome(secure({ port: String(port) }))).toMatch(
        /^STORE_UNAVAILABLE .*does not support SSL.*Correct sslmode/,
      );
    });

    test('refuses a connection without it, and says that this is the reason', async () => {
      for (const given of [{ sslmode: 'disable' }, {}]) {
        expect(await outcome(given)).toMatch(
          /^STORE_UNAVAILABLE .* refused the connection: no pg_hba.conf entry .* no encryption.*sslmode=verify-full/,
        );
      }
    });

    describe('whose certificate is not the right one is not used:', () => {
      test('of another authority', async () => {
        const other = new CertificateAuthority(temporaryFolder(), 'other').certificate;
        for (const sslmode of ['require', 'verify-ca', 'verify-full'])
          expect(await outcome(secure({ sslmode, sslrootcert: other }))).toMatch(
            /^STORE_UNAVAILABLE .*certificate.*sslrootcert/,
          );
        expect(await outcome({ sslmode: 'verify-full' })).toMatch(/^STORE_UNAVAILABLE .*sslrootcert/);
      });

      test('of another host', async () => {
        const host = '127.0.0.1';
        expect(await outcome(secure({ host }))).toMatch(
          /^STORE_UNAVAILABLE .*127\.0\.0\.1.*name of the host/,
        );
        expect(await outcome(secure({ host, sslmode: 'verify-ca' }))).toBe('stored');
      });

      test('after its end', async () => {
        const { authority, usual } = shown();
        const reload = async (certificate: MadeCertificate): Promise<void> => {
          shown().show(certificate);
          await server().sql('SELECT pg_reload_conf()');
        };
        onTestFinished(async () => {
          await reload(usual);
          await expect.poll(() => outcome(secure())).toBe('stored');
        });
        await reload(authority.issue('expired', { of: 'localhost', days: -1 }));
        const expired = /^STORE_UNAVAILABLE .*certificate has expired.*renew the certificate/;
        await expect.poll(() => outcome(secure())).toMatch(expired);
        expect(await outcome(secure({ sslmode: 'verify-ca' }))).toMatch(expired);
        expect(await outcome({ sslmode: 'require' })).toBe('stored');
      });
    });

    test('that wants a certificate of the client takes the right one only', async () => {
      const { authority } = shown();
      const with_ = ({ certificate, key }: MadeCertificate): Promise<string> =>
        outcome(secure({ user: 'certified', sslcert: certificate, sslkey: key }));
      expect(await with_(authority.issue('right', { of: 'certified' }))).toBe('stored');
      const needed = /^STORE_UNAVAILABLE .*certificate.*sslcert/;
      expect(await outcome(secure({ user: 'certified' }))).toMatch(needed);
      expect(await with_(authority.issue('of-app', { of: 'app' }))).toMatch(
        /^STORE_UNAVAILABLE .*refused the user.*sslcert/,
      );
      const other = new CertificateAuthority(temporaryFolder(), 'other');
      expect(await with_(other.issue('foreign', { of: 'certified' }))).toMatch(
        /^STORE_UNAVAILABLE .*sslcert/,
      );
      expect(await with_(authority.issue('late', { of: 'certified', days: -1 }))).toMatch(
        /^STORE_UNAVAILABLE .*sslcert/,
      );
    });

    test('refuses a wrong password and none', async () => {
      const refused = /^STORE_UNAVAILABLE .*refused the user or the password/;
      expect(await outcome(secure({ password: `${PASSWORD}.` }))).toMatch(refused);
      expect(await outcome(secure({ user: 'stranger' }))).toMatch(/^STORE_UNAVAILABLE .*refused/);
      expect(await outcome(secure({ password: '' }))).toMatch(/^STORE_UNAVAILABLE .*wants a password/);
    });

    test('shows no password at the front door, whatever happens', async () => {
      const dataDir = temporaryFolder();
      const file = join(dataDir, 'address');
      const run = async (url: string, ...args: string[]): Promise<{ code: number | null; text: string }> => {
        writeFileSync(file, `${url}\n`, { mode: 0o600 });
        const env = {
          MEMORY_STORE: 'postgres',
          MEMORY_DATABASE_URL_FILE: file,
          MEMORY_LOG_LEVEL: 'debug',
        };
        mkdirSync(dataDir, { recursive: true });
        const { code, stdout, stderr } = await runProgram(args, { dataDir, env });
        return { code, text: hidden(`${stdout}\n${stderr}`) };
      };
      expect(await run(address(secure()), 'add', 'written through a file')).toMatchObject({ code: 0 });
      expect((await run(address(secure()), 'doctor')).text).toContain('database: intact');
      const wrong = address(secure({ password: `${PASSWORD}!` }));
      const refused = await run(wrong, 'add', 'another');
      expect(refused).toMatchObject({ code: 4, text: expect.stringContaining('refused the user') as string });
      expect((await run(wrong, 'doctor')).text).toContain('refused the user');
      const unquoted = address(secure()).replace(encodeURIComponent(PASSWORD), PASSWORD);
      const unreadable = expect.stringContaining('The address of the database is not an address') as string;
      expect(await run(unquoted, 'add', 'another')).toMatchObject({ code: 2, text: unreadable });
      expect(await run(unquoted, 'doctor')).toMatchObject({ code: 1, text: unreadable });
      const moved = await run(address(secure()), 'move', '--to', unquoted);
      expect(moved).toMatchObject({ code: 2, text: unreadable });
    });
  },
  options,
);
