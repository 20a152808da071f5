/** A problem with the certificate or the protocol of a server. */
export interface TlsProblem {
  /** True when the server does not speak TLS, so that its address may have to begin with http: instead of https:. */
  readonly plainHttp: boolean;
  /** The rest of a sentence whose subject is the server. */
  readonly problem: string;
  /** An imperative sentence, which never advises to turn TLS off. */
  readonly fix: string;
}

const TRUST_FIX =
  'Save the certificate of the authority that signed it as a PEM file, set NODE_EXTRA_CA_CERTS to the absolute path of ' +
  'that file in the environment that starts faiss-memory (in an MCP client: under "env"), and start it again.';

const unknownAuthority = {
  plainHttp: false,
  problem:
    'has a certificate of an authority that this computer does not know, or does not send the intermediate certificates',
  fix: TRUST_FIX,
};
const unusable = {
  plainHttp: false,
  problem: 'has a certificate that cannot be accepted',
  fix: 'Have the operator of the server install a new certificate.',
};

/** Error codes of OpenSSL and Node.js: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const CERTIFICATES: Readonly<Record<string, TlsProblem>> = {
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  CERT_UNTRUSTED: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    plainHttp: false,
    problem: 'has a certificate that is signed by itself',
    fix: TRUST_FIX.replace('the certificate of the authority that signed it', 'that certificate'),
  },
  CERT_HAS_EXPIRED: {
    plainHttp: false,
    problem: 'has a certificate that has expired',
    fix: "Have the operator of the server renew it; if this computer's clock is wrong, set the clock.",
  },
  CERT_NOT_YET_VALID: {
    plainHttp: false,
    problem: 'has a certificate that is not valid yet',
    fix: "Set this computer's clock; if it is right, wait until the certificate begins, or have the operator replace it.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: wrongName(),
  HOSTNAME_MISMATCH: wrongName(),
  CERT_REVOKED: { ...unusable, problem: 'has a certificate that was revoked' },
};

function wrongName(): TlsProblem {
  return {
    plainHttp: false,
    problem: 'has a certificate for another host name',
    fix: 'Use a host name that the certificate names, or have the operator add this one to the certificate.',
  };
}

/** OpenSSL's messages for an answer that is not TLS. */
const NO_TLS =
  /wrong version number|packet length too long|http request|unknown protocol|record layer failure/i;

/**
 * Finds a TLS problem in an error or its causes; undefined when the error has another reason.
 */
export function tlsProblem(error: unknown): TlsProblem | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = 'code' in current && typeof current.code === 'string' ? current.code : '';
    const found = ofCode(code, current.message);
    if (found !== undefined) return found;
  }
  return undefined;
}

function ofCode(code: string, message: string): TlsProblem | undefined {
  if (CERTIFICATES[code] !== undefined) return CERTIFICATES[code];
  const isTls = code === 'EPROTO' || /^ERR_(?:SSL|TLS)/.test(code);
  if (isTls && NO_TLS.test(`${message} ${code.replaceAll('_', ' ')}`)) {
    return {
      plainHttp: true,
      problem: 'does not speak https on this port',
      fix: 'Check the port, and whether the address begins with http: or https: as the server expects.',
    };
  }
  if (isTls) {
    return {
      plainHttp: false,
      problem: `and this computer found no common encryption${/certificate.required/i.test(code) ? ': it asks for a client certificate' : ''}`,
      fix: 'Ask the operator of the server which TLS versions and certificates it needs.',
    };
  }
  return isCertificateCode(code) ? unusable : undefined;
}

/** True for error codes of a refused certificate. */
export function isCertificateCode(code: string | undefined): boolean {
  if (code === undefined) return false;
  if (CERTIFICATES[code] !== undefined) return true;
  return /^(?:CERT_|UNABLE_TO_|CRL_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|CA_MD_|EE_KEY_)/.test(code);
}

/** Milliseconds from a `Retry-After` header in either of its forms; undefined when there is none. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  if (header === undefined || header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** More was sent than any answer of this kind can have. */
export class TooLongError extends Error {
  constructor(limitBytes: number) {
    super(`it is longer than ${limitBytes / 1_048_576} MiB`);
  }
}

/** The text of a stream of bytes, which is given up as soon as it is too long. @throws TooLongError */
export async function streamedText(stream: AsyncIterable<Uint8Array>, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limitBytes) throw new TooLongError(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
