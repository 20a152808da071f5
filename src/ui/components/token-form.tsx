import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { readToken, writeToken } from '../session.ts';

interface TokenFormProps {
  /** The server asks for it, or the user wants to change it. */
  readonly reason: 'refused' | 'wanted';
  readonly onEnter: () => void;
}

export function TokenForm({ reason, onEnter }: TokenFormProps) {
  const [token, setToken] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  const wasWrong = reason === 'refused' && readToken() !== '';
  const submit = (event: Event): void => {
    event.preventDefault();
    writeToken(token.trim());
    onEnter();
  };
  return (
    <form class="card narrow" onSubmit={submit}>
      <h1>{reason === 'refused' ? 'Who is there?' : 'Change token'}</h1>
      <p>
        {reason === 'refused' ? 'This server asks for its token. ' : ''}
        It is what MEMORY_HTTP_TOKEN is set to where the server runs, and is kept in this tab only.
      </p>
      {wasWrong ? (
        <p class="problem" role="alert">
          The server did not accept the token. Please try again.
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
        {reason === 'refused' ? null : (
          <button type="button" onClick={onEnter}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
