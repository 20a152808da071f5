import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MadeCertificate {
  /** PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority in a folder. */
export class CertificateAuthority implements MadeCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly #folder: string;

  constructor(folder: string, name = 'authority') {
    this.#folder = folder;
    this.certificate = join(folder, `${name}.crt`);
    this.key = join(folder, `${name}.key`);
    openssl(
      'req',
      '-x509',
      '-days',
      '1',
      ...newKey(this.key),
      '-subj',
      `/CN=${name}`,
      '-out',
      this.certificate,
    );
  }

  get pem(): string {
    return readFileSync(this.certificate, 'utf8');
  }

  /** @param days of life; below 0, it ended in the past. @param of the host or of the person */
  issue(name: string, { of, days = 1 }: { readonly of: string; readonly days?: number }): MadeCertificate {
    const [request, certificate, key] = ['csr', 'crt', 'key'].map((end) =>
      join(this.#folder, `${name}.${end}`),
    ) as [string, string, string];
    const subject = ['-subj', `/CN=${of}`, '-addext', `subjectAltName=DNS:${of}`];
    openssl('req', '-new', ...newKey(key), ...subject, '-out', request);
    const signer = ['-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial'];
    const how = ['-days', String(days), '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', request, ...signer, ...how, '-out', certificate);
    return { certificate, key };
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
}

function openssl(...parameters: readonly string[]): void {
  execFileSync('openssl', parameters, { stdio: 'pipe' });
}
