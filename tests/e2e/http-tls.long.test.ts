import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';
import { sendBytes, sendRaw } from '../helpers/raw-request.ts';
import { runProgram } from '../helpers/run-program.ts';

interface TestCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM; signed by itself, so it is its own authority. */
  readonly certificate: string;
}

/** Makes a certificate for 127.0.0.1 and localhost, valid for a day, in a folder. */
function makeCertificate(folder: string, name = 'server'): TestCertificate {
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, ...subject, '-out', certificateFile], {
    stdio: 'pipe',
  });
  return { certificateFile, keyFile, certificate: readFileSync(certificateFile, 'utf8') };
}

function settings(certificate: string, key: string): Record<string, string> {
  return { MEMORY_HTTP_TLS_CERTIFICATE: certificate, MEMORY_HTTP_TLS_KEY: key };
}

describe('with a certificate', () => {
  test('the server speaks HTTPS only', async () => {
    const { certificateFile, keyFile, certificate } = makeCertificate(temporaryFolder());
    const { address } = await startServer({ env: settings(certificateFile, keyFile) });
    expect(address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const options = { ca: certificate };
    const added = await sendRaw(
      address,
      {
        method: 'POST',
        path: '/memory/add',
        headers: { 'Content-Type': 'application/json' },
        body: '{"text":"a"}',
      },
      options,
    );
    expect(added.status).toBe(201);
    // It would count for all other servers of the same machine.
    expect(added.headers).not.toHaveProperty('strict-transport-security');
    const { host } = new URL(address);
    const own = { method: 'GET', path: '/stats', headers: { Origin: `https://${host}` } };
    expect((await sendRaw(address, own, options)).status).toBe(200);
    const foreign = { method: 'GET', path: '/stats', headers: { Origin: 'https://evil.test' } };
    expect((await sendRaw(address, foreign, options)).status).toBe(403);
    // Who does not know the certificate is not connected, and plain HTTP is no answer.
    await expect(sendRaw(address, own)).rejects.toThrow('self-signed certificate');
    const plain = sendBytes(address, `GET /stats HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect(await plain.catch(() => '')).not.toContain('"live"');
  });
});

test('a connection whose handshake never ends does not keep the server from ending', async () => {
  const { certificateFile, keyFile, certificate } = makeCertificate(temporaryFolder());
  const server = await startServer({ env: settings(certificateFile, keyFile) });
  const { hostname, port } = new URL(server.address);
  const silent = connect({ host: hostname, port: Number(port) });
  // The server ends it, at the latest with itself.
  silent.on('error', () => undefined);
  await once(silent, 'connect');
  // The server has accepted it when it has answered the one after it.
  await sendRaw(server.address, { method: 'GET', path: '/health/live' }, { ca: certificate });
  expect(await server.stop()).toBe(0);
});

describe('a certificate that cannot be used is refused', () => {
  async function refusal(env: Readonly<Record<string, string>>): Promise<string> {
    const { code, stderr } = await runProgram(['serve', '--http', '--port', '0'], {
      dataDir: temporaryFolder(),
      env,
    });
    expect(code).toBe(2);
    expect(stderr).not.toContain('Memories at');
    return stderr;
  }

  test('without its key, or the key without it', async () => {
    const { certificateFile, keyFile } = makeCertificate(temporaryFolder());
    expect(await refusal({ MEMORY_HTTP_TLS_CERTIFICATE: certificateFile })).toContain(
      'http.tlsKey is missing for HTTPS',
    );
    expect(await refusal({ MEMORY_HTTP_TLS_KEY: keyFile })).toContain(
      'http.tlsCertificate is missing for HTTPS',
    );
  });

  test('with the key of another one', async () => {
    const folder = temporaryFolder();
    const [one, two] = [makeCertificate(folder, 'one'), makeCertificate(folder, 'two')];
    const message = await refusal(settings(one.certificateFile, two.keyFile));
    expect(message).toContain('http.tlsCertificate cannot be used');
    expect(message).toContain('PEM files of a certificate and the key that belongs to it');
  });

  test('when a file is missing, or holds something else', async () => {
    const folder = temporaryFolder();
    const { keyFile } = makeCertificate(folder);
    const missing = join(folder, 'missing.crt');
    expect(await refusal(settings(missing, keyFile))).toContain(`"${missing}", which cannot be read`);
    const nonsense = join(folder, 'nonsense.crt');
    writeFileSync(nonsense, 'no certificate');
    expect(await refusal(settings(nonsense, keyFile))).toContain('http.tlsCertificate cannot be used');
    expect(await refusal(settings(keyFile, keyFile))).toContain('http.tlsCertificate cannot be used');
  });
});
