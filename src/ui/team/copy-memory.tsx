import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import { inAddress, mayWriteIn, type Space, type Team, useTeam } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import { linkTo } from '../shared/view-address.ts';
import { titleOf } from './team-bar.tsx';

interface CopyAnswer {
  readonly copied: readonly { readonly copy: string; readonly existed?: boolean }[];
  readonly left: readonly { readonly reason: string }[];
  readonly moved: number;
}

/** Copies or moves a memory to another space. Nothing where there is no other space to write in. */
export function CopyButton({ id }: { readonly id: string }) {
  const [asking, setAsking] = useState(false);
  const team = useTeam();
  const here = team?.here;
  if (team === null || here === undefined) return null;
  const targets = team.spaces.filter((space) => space.id !== here.id && mayWriteIn(team, space));
  if (targets.length === 0) return null;
  const close = (): void => {
    setAsking(false);
  };
  return (
    <>
      <button
        type="button"
        onClick={() => {
          setAsking(true);
        }}
      >
        Copy to another space…
      </button>
      {asking ? <CopyDialog id={id} from={here} team={team} targets={targets} onClose={close} /> : null}
    </>
  );
}

interface CopyDialogProps {
  readonly id: string;
  readonly from: Space;
  readonly team: Team;
  readonly targets: readonly Space[];
  readonly onClose: () => void;
}

function CopyDialog({ id, from, team, targets, onClose }: CopyDialogProps) {
  const [to, setTo] = useState(targets[0]?.id ?? '');
  const [move, setMove] = useState(false);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const mayMove = mayWriteIn(team, from);
  const submit = (event: Event): void => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    call<CopyAnswer>('POST', '/copy', { space: from.id, body: { ids: [id], to, move } }).then(
      ({ copied: [copy], left: [left] }) => {
        if (copy === undefined) {
          setProblem(`It stays where it is: ${left?.reason ?? 'the server gave no reason'}.`);
          setBusy(false);
          return;
        }
        onClose();
        const open = (): void => {
          location.hash = linkTo('memory', copy.copy, inAddress(team, to));
        };
        toast({
          text: doneInWords(copy.existed === true, move),
          action: { title: 'Open it there', run: open },
        });
      },
      (error: unknown) => {
        setProblem(explain(error));
        setBusy(false);
      },
    );
  };
  return (
    <Modal title="Copy to another space" onClose={onClose}>
      <form onSubmit={submit}>
        <Problem text={problem} />
        <label>
          Space
          <select
            dir="auto"
            value={to}
            onChange={(event) => {
              setTo(event.currentTarget.value);
            }}
          >
            {targets.map((space) => (
              <option key={space.id} value={space.id}>
                {titleOf(space)}
              </option>
            ))}
          </select>
        </label>
        {mayMove ? (
          <label class="check">
            <input
              type="checkbox"
              checked={move}
              onChange={(event) => {
                setMove(event.currentTarget.checked);
              }}
            />
            Move it: this one goes to the trash
          </label>
        ) : null}
        <p class="hint">
          All members of that space see the copy. It has the text, tags, source and times, and no history.
        </p>
        <div class="actions">
          <button type="submit" class="primary" disabled={busy}>
            {move ? 'Move' : 'Copy'}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Modal>
  );
}

function doneInWords(existed: boolean, move: boolean): string {
  const there = existed ? 'It was there already.' : 'It is copied.';
  return move ? `${there} The one here is in the trash.` : there;
}
