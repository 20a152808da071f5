/** The facts that a server with people or sign-in gives its page in the HTML. */
export interface ServerFacts {
  /** There are people and spaces. */
  readonly team: boolean;
  /** Undefined = with a token only. */
  readonly signIn?: SignInFacts;
}

export interface SignInFacts {
  /** Where the page is opened to sign in, without a path. */
  readonly publicUrl: string;
  /** The authorization server; the same address when it is this server. */
  readonly issuer: string;
  /** Of this page at the authorization server; undefined = the page is not known there. */
  readonly clientId?: string;
}

function read(): ServerFacts {
  const content = document.querySelector<HTMLMetaElement>('meta[name=server]')?.content;
  // Only the server writes this element.
  return content === undefined ? { team: false } : (JSON.parse(content) as ServerFacts);
}

export const server = read();
