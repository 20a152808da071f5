import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { reportRights } from '../shared/credential.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { type Role, type Space, type Team, useTeam } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import { linkTo } from '../shared/view-address.ts';
import { RemoveSpace } from './remove-space.tsx';
import { ROLE_MEANINGS, titleOf } from './team-bar.tsx';

interface Member {
  readonly person: string;
  readonly role: Role;
}

const ROLES: readonly Role[] = ['reader', 'writer', 'owner'];

/** The members of the space that the page shows. */
export function MembersView() {
  const team = useTeam();
  const space = team?.here;
  if (team === null || space === undefined) return null;
  return (
    <>
      <h1 dir="auto">Members of {titleOf(space)}</h1>
      {space.kind === 'personal' ? (
        <p>
          This space is yours alone. To share memories, <a href={linkTo('spaces')}>create another space</a>{' '}
          and copy them there.
        </p>
      ) : (
        <Members team={team} space={space} />
      )}
    </>
  );
}

interface SpaceProps {
  readonly team: Team;
  readonly space: Space;
}

function Members({ team, space }: SpaceProps) {
  const { value, problem, reload } = useLoad(space.id, (signal) =>
    call<{ members: Member[] }>('GET', '/members', { signal, space: space.id }),
  );
  /** A change by which a person loses rights. */
  const [asked, setAsked] = useState<Change | null>(null);
  const [refusal, setRefusal] = useState('');
  const toast = useToast();
  const isOwner = space.role === 'owner' && team.mayManage;
  const apply = (change: Change): void => {
    setAsked(null);
    setRefusal('');
    perform(change, space.id).then(
      () => {
        toast({ text: doneInWords(change) });
        if (change.person === team.me.person) reportRights();
        reload();
      },
      (error: unknown) => {
        setRefusal(explain(error));
        reload();
      },
    );
  };
  const consider = (change: Change): void => {
    if (losesRights(change)) setAsked(change);
    else apply(change);
  };
  return (
    <>
      <Problem text={problem} onRetry={reload} />
      <Problem text={refusal} />
      <ul class="rows" aria-label="Members">
        {value?.members.map((member) => (
          <MemberRow
            key={`${member.person} ${member.role} ${refusal}`}
            member={member}
            isMe={member.person === team.me.person}
            mayChange={isOwner}
            mayRemove={isOwner || (member.person === team.me.person && team.mayManage)}
            onChange={consider}
          />
        ))}
      </ul>
      {isOwner ? <AddForm space={space.id} onAdded={reload} /> : null}
      {isOwner ? <RemoveSpace space={space} /> : null}
      {asked === null ? null : (
        <ChangeDialog
          change={asked}
          isMe={asked.person === team.me.person}
          onClose={() => {
            setAsked(null);
            reload();
          }}
          onApply={() => {
            apply(asked);
          }}
        />
      )}
    </>
  );
}

interface Change {
  readonly person: string;
  readonly before: Role;
  /** Null = no member any more. */
  readonly after: Role | null;
}

function losesRights({ before, after }: Change): boolean {
  return after === null || ROLES.indexOf(after) < ROLES.indexOf(before);
}

function perform({ person, after }: Change, space: string): Promise<unknown> {
  const options = { space, readsOnly: true };
  return after === null
    ? call('DELETE', `/members/${encodeURIComponent(person)}`, options)
    : call('POST', '/members', { ...options, body: { person, role: after } });
}

function doneInWords({ person, after }: Change): string {
  return after === null ? `${person} is no member any more.` : `${person} is ${after} now.`;
}

interface MemberRowProps {
  readonly member: Member;
  readonly isMe: boolean;
  readonly mayChange: boolean;
  readonly mayRemove: boolean;
  readonly onChange: (change: Change) => void;
}

function MemberRow({ member: { person, role }, isMe, mayChange, mayRemove, onChange }: MemberRowProps) {
  return (
    <li>
      <span class="grow name">
        <bdi>{person}</bdi>
        {isMe ? ' (you)' : ''}
      </span>
      {mayChange ? (
        <RoleChoice
          label={`Role of ${person}`}
          role={role}
          onChange={(after) => {
            onChange({ person, before: role, after });
          }}
        />
      ) : (
        <span>{role}</span>
      )}
      {mayRemove ? (
        <button
          type="button"
          aria-label={isMe ? 'Leave this space' : `Remove ${person}`}
          onClick={() => {
            onChange({ person, before: role, after: null });
          }}
        >
          {isMe ? 'Leave…' : 'Remove…'}
        </button>
      ) : null}
    </li>
  );
}

interface RoleChoiceProps {
  readonly label: string;
  readonly role: Role;
  readonly onChange: (role: Role) => void;
}

function RoleChoice({ label, role, onChange }: RoleChoiceProps) {
  return (
    <select
      aria-label={label}
      value={role}
      onChange={({ currentTarget }) => {
        const after = ROLES.find((one) => one === currentTarget.value);
        // The list shows the old role until the server has the new one.
        currentTarget.value = role;
        if (after !== undefined && after !== role) onChange(after);
      }}
    >
      {ROLES.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

interface ChangeDialogProps {
  readonly change: Change;
  readonly isMe: boolean;
  readonly onClose: () => void;
  readonly onApply: () => void;
}

function ChangeDialog({ change: { person, before, after }, isMe, onClose, onApply }: ChangeDialogProps) {
  const title = isMe
    ? after === null
      ? 'Leave this space?'
      : 'Give up rights of your own?'
    : `Take rights from ${person}?`;
  return (
    <Modal title={title} onClose={onClose}>
      <p>
        {isMe ? 'You are' : `${person} is`} {before} of this space, and would be{' '}
        {after === null ? 'no member any more' : `${after} only`}. It counts at once.
        {isMe ? ' Only another owner can give it back.' : ''}
      </p>
      <div class="actions">
        <button type="button" class="danger" onClick={onApply}>
          {after === null ? (isMe ? 'Leave' : 'Remove') : 'Change the role'}
        </button>
        <button type="button" autofocus onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}

interface AddFormProps {
  readonly space: string;
  readonly onAdded: () => void;
}

function AddForm({ space, onAdded }: AddFormProps) {
  const [person, setPerson] = useState('');
  const [role, setRole] = useState<Role>('reader');
  const [problem, setProblem] = useState('');
  const toast = useToast();
  const submit = (event: Event): void => {
    event.preventDefault();
    setProblem('');
    const change = { person: person.trim(), before: role, after: role };
    perform(change, space).then(
      () => {
        setPerson('');
        toast({ text: doneInWords(change) });
        onAdded();
      },
      (error: unknown) => {
        setProblem(explain(error));
      },
    );
  };
  return (
    <form class="card" onSubmit={submit}>
      <h2>Add a member</h2>
      <Problem text={problem} />
      <div class="fields">
        <label>
          Person <span class="hint">the id</span>
          <input
            type="text"
            dir="auto"
            required
            autocapitalize="none"
            spellcheck={false}
            value={person}
            onInput={(event) => {
              setPerson(event.currentTarget.value);
            }}
          />
        </label>
        <label>
          Role
          <select
            value={role}
            onChange={({ currentTarget }) => {
              setRole(ROLES.find((one) => one === currentTarget.value) ?? 'reader');
            }}
          >
            {ROLES.map((one) => (
              <option key={one} value={one}>
                {ROLE_MEANINGS[one]}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Add
        </button>
      </div>
    </form>
  );
}
