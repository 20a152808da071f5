/** What a failed connection says about the certificate of a server, or about the protocol it speaks. */
export interface TlsProblem {
  /** The server does not speak TLS at all, so that its address may have to begin with http: instead of https:. */
  readonly plainHttp: boolean;
  /** Ends a sentence whose subject is the server. */
  readonly problem: string;
  /** One imperative sentence; never to drop TLS. */
  readonly fix: string;
}

const TRUST_FIX =
  'Save the certificate of the authority that signed it as a PEM file, set NODE_EXTRA_CA_CERTS to the absolute path of ' +
  'that file in the environment that starts faiss-memory (in an MCP client: under "env"), and start it again.';

const unknownAuthority = {
  plainHttp: false,
  problem:
    'has a certificate of an authority that this computer does not know, or leaves out the ones between',
  fix: TRUST_FIX,
};
const unusable = {
  plainHttp: false,
  problem: 'has a certificate that cannot be accepted',
  fix: 'Have the operator of the server install a new certificate.',
};

/** Codes of OpenSSL and Node.js, https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
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

/** First bytes of an answer that is no TLS, as OpenSSL calls them. */
const NO_TLS =
  /wrong version number|packet length too long|http request|unknown protocol|record layer failure/i;

/**
 * What is wrong between two sides that speak TLS, searched through the causes of an error; undefined when TLS is not
 * the matter.
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
      problem: `and this computer agree on no way to encrypt${/certificate.required/i.test(code) ? ': it asks for a client certificate' : ''}`,
      fix: 'Ask the operator of the server which TLS versions and certificates it needs.',
    };
  }
  return isCertificateCode(code) ? unusable : undefined;
}

/** True for the codes of a certificate that was looked at and refused. */
export function isCertificateCode(code: string | undefined): boolean {
  if (code === undefined) return false;
  if (CERTIFICATES[code] !== undefined) return true;
  return /^(?:CERT_|UNABLE_TO_|CRL_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|CA_MD_|EE_KEY_)/.test(code);
}
