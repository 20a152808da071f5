import { useState } from 'preact/hooks';
import { readToken, writeToken } from '../session.ts';

export function TokenForm({ onEnter }: { readonly onEnter: () => void }) {
  const [token, setToken] = useState('');
  const wasWrong = readToken() !== '';
  const submit = (event: Event): void => {
    event.preventDefault();
    writeToken(token.trim());
    onEnter();
  };
  return (
    <form class="card narrow" onSubmit={submit}>
      <h1>Who is there?</h1>
      <p>This server asks for its token. It is kept in this tab only.</p>
      {wasWrong ? <p class="problem">The server did not accept the token. Please try again.</p> : null}
      <label>
        Token
        <input
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
      </div>
    </form>
  );
}
