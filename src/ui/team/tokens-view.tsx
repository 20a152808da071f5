import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { Copyable } from '../shared/copyable.tsx';
import { readToken } from '../shared/credential.ts';
import { Empty, Modal, Problem, Time } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { useTeam } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import { NotAllowed } from './spaces-view.tsx';

interface Token {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly created: string;
  readonly expires?: string;
  /** A day. */
  readonly last_used?: string;
}

const HERE = { space: '', readsOnly: true };

/** The personal tokens of the person. */
export function TokensView() {
  const team = useTeam();
  if (team === null) return null;
  return (
    <>
      <h1>Tokens</h1>
      <p class="hint">
        For programs that cannot sign in. Give each program a token of its own, so that you can revoke it
        alone.
      </p>
      {team.mayManage ? <Tokens /> : <NotAllowed />}
    </>
  );
}

function Tokens() {
  const { value, problem, reload } = useLoad('tokens', (signal) =>
    call<{ tokens: Token[] }>('GET', '/tokens', { signal, space: '' }),
  );
  const [made, setMade] = useState('');
  const [revoking, setRevoking] = useState<Token | null>(null);
  const [refusal, setRefusal] = useState('');
  const toast = useToast();
  const revoke = (token: Token): void => {
    setRevoking(null);
    call('DELETE', `/tokens/${encodeURIComponent(token.id)}`, HERE)
      .then(
        () => {
          setRefusal('');
          toast({ text: `The token ${nameOf(token)} is revoked.` });
        },
        (error: unknown) => {
          setRefusal(explain(error));
        },
      )
      .finally(reload);
  };
  return (
    <>
      <Problem text={problem} onRetry={reload} />
      <Problem text={refusal} />
      {value?.tokens.length === 0 ? <Empty>You have no tokens.</Empty> : null}
      <TokenTable tokens={value?.tokens ?? []} onRevoke={setRevoking} />
      {made === '' ? (
        <CreateForm
          onMade={(token) => {
            setMade(token);
            reload();
          }}
        />
      ) : (
        <MadeToken
          token={made}
          onClose={() => {
            setMade('');
          }}
        />
      )}
      {revoking === null ? null : (
        <RevokeDialog
          token={revoking}
          onClose={() => {
            setRevoking(null);
          }}
          onRevoke={() => {
            revoke(revoking);
          }}
        />
      )}
    </>
  );
}

interface TokenTableProps {
  readonly tokens: readonly Token[];
  readonly onRevoke: (token: Token) => void;
}

function TokenTable({ tokens, onRevoke }: TokenTableProps) {
  if (tokens.length === 0) return null;
  return (
    <div class="scroll" role="region" aria-label="Tokens" tabIndex={0}>
      <table>
        <caption class="hidden">Your tokens</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Scope</th>
            <th scope="col">Made</th>
            <th scope="col">Ends</th>
            <th scope="col">Last used</th>
            <th scope="col">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id}>
              <th scope="row" class="long">
                <bdi>{nameOf(token)}</bdi>
                {isMine(token) ? ' (used by this page)' : ''}
              </th>
              <td>{token.scope}</td>
              <td>
                <Time at={token.created} />
              </td>
              <td>{token.expires === undefined ? 'never' : <Time at={token.expires} />}</td>
              <td>{token.last_used ?? 'never'}</td>
              <td>
                <button
                  type="button"
                  aria-label={`Revoke ${nameOf(token)}`}
                  onClick={() => {
                    onRevoke(token);
                  }}
                >
                  Revoke…
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function nameOf({ id, name }: Token): string {
  return name === '' ? id : name;
}

/** A token begins with its id. */
function isMine({ id }: Token): boolean {
  return readToken().startsWith(`${id}_`);
}

interface RevokeDialogProps {
  readonly token: Token;
  readonly onClose: () => void;
  readonly onRevoke: () => void;
}

function RevokeDialog({ token, onClose, onRevoke }: RevokeDialogProps) {
  return (
    <Modal title="Revoke this token?" onClose={onClose}>
      <p>
        Programs with the token <bdi>{nameOf(token)}</bdi> are refused from now on.
        {isMine(token) ? ' This page uses it, and will ask for another one.' : ''}
      </p>
      <div class="actions">
        <button type="button" class="danger" onClick={onRevoke}>
          Revoke
        </button>
        <button type="button" autofocus onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}

function MadeToken({ token, onClose }: { readonly token: string; readonly onClose: () => void }) {
  return (
    <section class="card done" aria-label="The new token">
      <h2>The new token</h2>
      <p>Copy it now: the server does not show it again.</p>
      <Copyable label="Token" text={token} />
      <div class="actions">
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
      </div>
    </section>
  );
}

const SCOPES = {
  read: 'read: search and read',
  write: 'write: change memories too',
  admin: 'admin: spaces, members and tokens too',
} as const;

function CreateForm({ onMade }: { readonly onMade: (token: string) => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState('write');
  const [days, setDays] = useState('');
  const [problem, setProblem] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    setProblem('');
    const body = { name: name.trim(), scope, ...(days === '' ? {} : { days: Number(days) }) };
    call<{ readonly token: string }>('POST', '/tokens', { ...HERE, body }).then(
      ({ token }) => {
        onMade(token);
      },
      (error: unknown) => {
        setProblem(explain(error));
      },
    );
  };
  return (
    <form class="card" onSubmit={submit}>
      <h2>New token</h2>
      <Problem text={problem} />
      <div class="fields">
        <label>
          Name <span class="hint">for example the program</span>
          <input
            type="text"
            dir="auto"
            required
            maxLength={200}
            value={name}
            onInput={(event) => {
              setName(event.currentTarget.value);
            }}
          />
        </label>
        <label>
          Scope
          <select
            value={scope}
            onChange={(event) => {
              setScope(event.currentTarget.value);
            }}
          >
            {Object.entries(SCOPES).map(([word, meaning]) => (
              <option key={word} value={word}>
                {meaning}
              </option>
            ))}
          </select>
        </label>
        <label>
          Days <span class="hint">empty: no end</span>
          <input
            type="number"
            min={1}
            max={36_500}
            value={days}
            onInput={(event) => {
              setDays(event.currentTarget.value);
            }}
          />
        </label>
        <button type="submit" class="primary">
          Create token
        </button>
      </div>
    </form>
  );
}
