import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { explain, reportChange } from '../shared/api.ts';
import {
  forgetDrafts,
  noteAccepted,
  onRefused,
  readToken,
  reportRights,
  wasAccepted,
  writeToken,
} from '../shared/credential.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import {
  beginSignIn,
  canSignIn,
  endSignIn,
  isOwnSignIn,
  onOtherTab,
  signInInOtherTab,
  signInProblem,
} from '../shared/oauth.ts';
import { server } from '../shared/server-facts.ts';
import { useToast } from '../shared/toast.tsx';
import { InvitationForm } from './invitation-form.tsx';

/**
 * `refused`: the server requires a token or a sign-in. `wanted`: the user wants to change the token. `ended`: it
 * counted until now, so the view stays, with all that is typed in it.
 */
export type Asking = 'refused' | 'wanted' | 'ended';

export interface SignInState {
  /** Null when nothing is asked for. */
  readonly asking: Asking | null;
  /** Changes when a token was entered, or a person signed in or out. */
  readonly session: number;
  readonly changeToken: () => void;
  /** Called when there is a new token. */
  readonly enter: () => void;
  readonly leave: () => void;
  readonly later: () => void;
}

/** @param arrival see `ViewAddress` */
export function useSignIn(arrival: number): SignInState {
  const [asking, setAsking] = useState<Asking | null>(null);
  const [session, setSession] = useState(0);
  useEffect(
    () =>
      onRefused(() => {
        setAsking((before) => before ?? (wasAccepted() ? 'ended' : 'refused'));
      }),
    [],
  );
  useEffect(() => {
    // A user who goes to another view no longer wants to change the token.
    setAsking((before) => (before === 'wanted' ? null : before));
  }, [arrival]);
  const begin = useCallback((next: Asking | null): void => {
    noteAccepted(false);
    setSession((number) => number + 1);
    setAsking(next);
  }, []);
  const enter = (): void => {
    if (asking !== 'ended') {
      begin(null);
      return;
    }
    setAsking(null);
    reportChange();
    reportRights();
  };
  const leave = (): void => {
    writeToken('');
    forgetDrafts();
    begin('refused');
  };
  useEffect(() =>
    onOtherTab((happened) => {
      // A token that was entered in this tab goes on.
      if (readToken() !== '') return;
      if (happened === 'out') leave();
      else if (asking === null) reportRights();
      else enter();
    }),
  );
  return {
    ...{ asking, session, enter, leave },
    changeToken: () => {
      setAsking('wanted');
    },
    later: () => {
      setAsking(null);
    },
  };
}

interface FormProps {
  readonly reason: Asking;
  readonly onEnter: () => void;
}

/** Asks for a sign-in or a token, in place of the view. */
export function SignInForm(props: FormProps) {
  return (
    <div class="card narrow">
      <h1>{titleFor(props.reason)}</h1>
      <SignInWays {...props} />
    </div>
  );
}

interface DialogProps {
  readonly onEnter: () => void;
  readonly onClose: () => void;
}

/** The same above the view, which stays as it is. */
export function SignInDialog({ onEnter, onClose }: DialogProps) {
  return (
    <Modal title={canSignIn() ? 'Sign in again' : 'Token required'} onClose={onClose}>
      <p>Nothing that you typed is lost.</p>
      <SignInWays reason="ended" onEnter={onEnter} />
    </Modal>
  );
}

function titleFor(reason: Asking): string {
  if (reason === 'wanted') return 'Change token';
  return canSignIn() ? 'Sign in' : 'Token required';
}

function SignInWays({ reason, onEnter }: FormProps) {
  const hasSignIn = reason !== 'wanted' && canSignIn();
  if (!hasSignIn) {
    return (
      <>
        <UnknownPage />
        <TokenForm reason={reason} onEnter={onEnter} />
        {server.team && server.signIn === undefined && reason !== 'wanted' ? (
          <details>
            <summary>I have the code of an invitation</summary>
            <InvitationForm onEnter={onEnter} />
          </details>
        ) : null}
      </>
    );
  }
  return (
    <>
      <SignInButton inOtherTab={reason === 'ended'} />
      <details>
        <summary>Use a token</summary>
        <TokenForm reason={reason} onEnter={onEnter} />
      </details>
    </>
  );
}

/** People sign in elsewhere, and the page is no client there. */
function UnknownPage() {
  const { signIn } = server;
  if (signIn === undefined || signIn.clientId !== undefined) return null;
  return (
    <p>
      Programs sign in at {new URL(signIn.issuer).host}. This page is not known there, so it takes a token;
      the setting MEMORY_AUTH_PAGE_CLIENT_ID of the server changes that.
    </p>
  );
}

/** Where the sign-in comes back to; it can begin only there. */
function SignInButton({ inOtherTab }: { readonly inOtherTab: boolean }) {
  const [problem, setProblem] = useState(signInProblem);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  const { publicUrl = '', issuer = '' } = server.signIn ?? {};
  if (location.origin !== publicUrl) {
    return (
      <p>
        To sign in, open this page at <a href={`${publicUrl}/${location.hash}`}>{publicUrl}</a>.
      </p>
    );
  }
  const begin = (): void => {
    setProblem('');
    if (inOtherTab) signInInOtherTab();
    else
      beginSignIn().catch(() => {
        setProblem(signInProblem());
      });
  };
  return (
    <>
      <Problem text={problem} />
      <div class="actions">
        <button ref={button} type="button" class="primary" onClick={begin}>
          {isOwnSignIn() ? 'Sign in' : `Sign in at ${new URL(issuer).host}`}
        </button>
      </div>
      {inOtherTab ? <p class="hint">It opens in another tab. Then come back to this one.</p> : null}
    </>
  );
}

function TokenForm({ reason, onEnter }: FormProps) {
  const [token, setToken] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    if (field.current?.closest('details') === null) field.current.focus();
  }, []);
  const wasWrong = reason !== 'wanted' && readToken() !== '';
  const submit = (event: Event): void => {
    event.preventDefault();
    writeToken(token.trim());
    onEnter();
  };
  return (
    <form onSubmit={submit}>
      <p>
        {reason === 'refused' && !canSignIn() ? 'This server requires a token. ' : ''}
        {server.team
          ? 'A personal token begins with fm_. '
          : 'The token is the value of MEMORY_HTTP_TOKEN on the server. '}
        It is kept in this tab only.
      </p>
      {wasWrong ? (
        <p class="problem" role="alert">
          {reason === 'ended'
            ? 'The server does not accept the token any more. It may be revoked, or have ended.'
            : 'The server did not accept the token. Please try again.'}
        </p>
      ) : null}
      <label>
        Token
        <input
          ref={field}
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={(event) => {
            setToken(event.currentTarget.value);
          }}
        />
      </label>
      <div class="actions">
        <button type="submit" class="primary">
          Enter
        </button>
        {reason === 'wanted' ? (
          <button type="button" onClick={onEnter}>
            Cancel
          </button>
        ) : null}
      </div>
    </form>
  );
}

interface AccountButtonsProps {
  readonly onChangeToken: () => void;
  readonly onSignOut: () => void;
}

/** At the top of the page: nothing where there is neither a token nor a sign-in. */
export function AccountButtons({ onChangeToken, onSignOut }: AccountButtonsProps) {
  const toast = useToast();
  if (!server.team && server.signIn === undefined) {
    return readToken() === '' ? null : (
      <button type="button" class="quiet" onClick={onChangeToken}>
        Change token
      </button>
    );
  }
  const leave = (): void => {
    const ending = readToken() === '' ? endSignIn() : Promise.resolve();
    ending.then(onSignOut, (error: unknown) => {
      toast({ text: `You are still signed in. ${explain(error)}` });
    });
  };
  return (
    <button type="button" class="quiet" onClick={leave}>
      Sign out
    </button>
  );
}
