import { useEffect, useState } from 'preact/hooks';
import { call, explain, isAbort } from '../shared/api.ts';
import { Empty, More, Problem } from '../shared/elements.tsx';
import { useDelayed } from '../shared/load.ts';
import { useTeam } from '../shared/team.tsx';
import { exactTime } from '../shared/words.ts';
import { titleOf } from './team-bar.tsx';

interface AuditLine {
  readonly at: string;
  readonly person: string;
  readonly action: string;
  readonly count: number;
  readonly about?: string;
  readonly refused?: string;
}

interface AuditPage {
  readonly lines: readonly AuditLine[];
  readonly next?: number;
}

const PAGE = 100;
const TYPING_PAUSE_MS = 300;

/** The actions of people in the space that the page shows. */
export function AuditView() {
  const team = useTeam();
  const [typed, setTyped] = useState('');
  const person = useDelayed(typed.trim(), TYPING_PAUSE_MS);
  const space = team?.here;
  if (team === null || space === undefined) return null;
  return (
    <>
      <h1 dir="auto">Audit log of {titleOf(space)}</h1>
      <p class="hint">Who did what, newest first. It has no texts of memories.</p>
      {space.role === 'owner' ? (
        <>
          <label>
            Person <span class="hint">empty: all people</span>
            <input
              type="search"
              dir="auto"
              autocapitalize="none"
              spellcheck={false}
              value={typed}
              onInput={(event) => {
                setTyped(event.currentTarget.value);
              }}
            />
          </label>
          <Lines key={`${space.id} ${person}`} space={space.id} person={person} />
        </>
      ) : (
        <p>Only owners of the space read it; you are {space.role}.</p>
      )}
    </>
  );
}

interface LinesProps {
  readonly space: string;
  /** Empty: all people. */
  readonly person: string;
}

function Lines({ space, person }: LinesProps) {
  const [{ lines, next }, setPage] = useState<AuditPage>({ lines: [] });
  const [problem, setProblem] = useState('');
  const [loading, setLoading] = useState(true);
  const load = (before: number | undefined, signal?: AbortSignal): void => {
    setLoading(true);
    const query = new URLSearchParams({
      limit: String(PAGE),
      ...(person === '' ? {} : { person }),
      ...(before === undefined ? {} : { before: String(before) }),
    });
    call<AuditPage>('GET', `/audit?${query.toString()}`, { signal, space }).then(
      (page) => {
        setPage((earlier) => ({ ...page, lines: [...earlier.lines, ...page.lines] }));
        setProblem('');
        setLoading(false);
      },
      (error: unknown) => {
        if (isAbort(error)) return;
        setProblem(explain(error));
        setLoading(false);
      },
    );
  };
  useEffect(() => {
    const controller = new AbortController();
    load(undefined, controller.signal);
    return () => {
      controller.abort();
    };
    // Another space or person is another component.
  }, []);
  return (
    <section aria-label="Lines" aria-busy={loading}>
      <Problem text={problem} />
      {lines.length === 0 && !loading && problem === '' ? <Empty>There are no lines.</Empty> : null}
      {lines.length === 0 ? null : <LineTable lines={lines} />}
      {next === undefined ? null : (
        <More
          disabled={loading}
          onMore={() => {
            load(next);
          }}
        />
      )}
    </section>
  );
}

function LineTable({ lines }: { readonly lines: readonly AuditLine[] }) {
  return (
    <div class="scroll" role="region" aria-label="Audit log" tabIndex={0}>
      <table>
        <caption class="hidden">Audit log</caption>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Person</th>
            <th scope="col">Action</th>
            <th scope="col" class="number">
              Memories
            </th>
            <th scope="col">About</th>
            <th scope="col">Refused</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ at, person, action, count, about, refused }, index) => (
            <tr key={index}>
              <td>
                <time dateTime={at}>{exactTime(at)}</time>
              </td>
              <td class="long">
                <bdi>{person}</bdi>
              </td>
              <td>{action}</td>
              <td class="number">{action.startsWith('memory.') ? count.toLocaleString() : ''}</td>
              <td class="long">
                <bdi>{about}</bdi>
              </td>
              <td>{refused}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
