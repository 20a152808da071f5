import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { reportRights } from '../shared/credential.ts';
import { Problem, Time } from '../shared/elements.tsx';
import { inAddress, type Space, type Team, useTeam } from '../shared/team.tsx';
import { linkTo } from '../shared/view-address.ts';
import { roleInWords, titleOf } from './team-bar.tsx';

/** The spaces of the person, and a form for another one. */
export function SpacesView() {
  const team = useTeam();
  if (team === null) return null;
  return (
    <>
      <h1>Spaces</h1>
      <p class="hint">Each space has memories of its own, and members with roles.</p>
      <ul class="rows">
        {team.spaces.map((space) => (
          <SpaceRow key={space.id} space={space} team={team} />
        ))}
      </ul>
      <section class="card">
        <h2>New space</h2>
        {team.mayManage ? <CreateForm team={team} /> : <NotAllowed />}
      </section>
    </>
  );
}

/** The reason for which a person can make neither spaces nor tokens here. */
export function NotAllowed() {
  return (
    <p class="hint">
      Your token may not manage spaces, members and tokens. Sign in with a personal token of the scope admin.
    </p>
  );
}

function SpaceRow({ space, team }: { readonly space: Space; readonly team: Team }) {
  const address = inAddress(team, space.id);
  return (
    <li>
      <div class="grow">
        <a class="name" dir="auto" href={linkTo('memories', undefined, address)}>
          {titleOf(space)}
        </a>
        <p class="facts">
          <span>{roleInWords(space, team)}</span>
          <span>{space.kind}</span>
          <span>
            since <Time at={space.created} />
          </span>
        </p>
      </div>
      {space.kind === 'personal' ? null : (
        <a href={linkTo('members', undefined, address)} aria-label={`Members of ${titleOf(space)}`}>
          Members
        </a>
      )}
    </li>
  );
}

/** An id for addresses that resembles the name. */
function idFrom(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
}

function CreateForm({ team }: { readonly team: Team }) {
  const [name, setName] = useState('');
  /** Undefined until the user types one. */
  const [typedId, setTypedId] = useState<string | undefined>();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const id = typedId ?? idFrom(name);
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    call('POST', '/spaces', { body: { id, name: name.trim() }, space: '', readsOnly: true })
      .then(
        () => {
          reportRights();
          location.hash = linkTo('members', undefined, inAddress(team, id));
        },
        (error: unknown) => {
          setProblem(explain(error));
        },
      )
      .finally(() => {
        setBusy(false);
      });
  };
  return (
    <form onSubmit={submit}>
      <p>You own it, and may add members.</p>
      <Problem text={problem} />
      <label>
        Name
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
        Id <span class="hint">for addresses: a-z, 0-9 and -; it cannot be changed</span>
        <input
          type="text"
          required
          maxLength={63}
          pattern="[a-z0-9][a-z0-9\-]*"
          autocapitalize="none"
          spellcheck={false}
          value={id}
          onInput={(event) => {
            setTypedId(event.currentTarget.value);
          }}
        />
      </label>
      <div class="actions">
        <button type="submit" class="primary" disabled={busy}>
          Create space
        </button>
      </div>
    </form>
  );
}
