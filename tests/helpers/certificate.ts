import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** PEM; signed by itself, so it is its own authority. */
  readonly certificate: string;
}

/** Makes a certificate for 127.0.0.1 and localhost, valid for a day, in a folder. */
export function makeCertificate(folder: string, name = 'server'): TestCertificate {
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', '-days', '1', ...key, ...subject, '-out', certificateFile], {
    stdio: 'pipe',
  });
  return { certificateFile, keyFile, certificate: readFileSync(certificateFile, 'utf8') };
}
