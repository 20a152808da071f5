import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { Copyable } from '../shared/copyable.tsx';
import { writeToken } from '../shared/credential.ts';
import { Problem } from '../shared/elements.tsx';

/** Turns the code of an invitation into a first token, which is shown once. */
export function InvitationForm({ onEnter }: { readonly onEnter: () => void }) {
  const [code, setCode] = useState('');
  const [token, setToken] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    accept(code.trim())
      .then(setToken, (error: unknown) => {
        setProblem(explain(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  if (token !== '') {
    return (
      <>
        <p>
          This is your token. Keep it now, for example in a password manager: the server does not show it
          again. It may also manage your other tokens.
        </p>
        <Copyable label="Your token" text={token} />
        <div class="actions">
          <button
            type="button"
            class="primary"
            onClick={() => {
              writeToken(token);
              onEnter();
            }}
          >
            I have kept it
          </button>
        </div>
      </>
    );
  }
  return (
    <form onSubmit={submit}>
      <p class="hint">It counts once.</p>
      <Problem text={problem} />
      <label>
        Code
        <input
          type="password"
          autocomplete="off"
          required
          value={code}
          onInput={(event) => {
            setCode(event.currentTarget.value);
          }}
        />
      </label>
      <div class="actions">
        <button type="submit" class="primary" disabled={busy}>
          Accept
        </button>
      </div>
    </form>
  );
}

async function accept(code: string): Promise<string> {
  const options = { body: { code, name: 'web page' }, space: '', readsOnly: true };
  const { token } = await call<{ readonly token: string }>('POST', '/invitations/accept', options);
  return token;
}
