import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { call } from './api.ts';
import { forgetDrafts, onRights } from './credential.ts';
import { Problem } from './elements.tsx';
import { useLoad } from './load.ts';
import { server } from './server-facts.ts';
import { linkTo } from './view-address.ts';

export type Role = 'reader' | 'writer' | 'owner';

export interface Me {
  readonly person: string;
  readonly name: string;
  /** Id of the own space. Absent for the shared tokens of a server. */
  readonly space?: string;
  readonly scopes: readonly string[];
}

export interface Space {
  readonly id: string;
  readonly name: string;
  readonly kind: 'personal' | 'shared';
  readonly role: Role;
  readonly created: string;
}

/** The person who is signed in, and the spaces of this person. */
export interface Team {
  readonly me: Me;
  readonly spaces: readonly Space[];
  /** The space that the page shows; undefined when the person is no member of it. */
  readonly here: Space | undefined;
  /** False for tokens and sign-ins that may not manage spaces, members and tokens. */
  readonly mayManage: boolean;
}

/** The server's name for its shared tokens, and the space that they use. */
const SERVER = { person: 'server', space: 'default' };

const TeamContext = createContext<Team | null>(null);

/** Null on a server without people, and before they are loaded. */
export function useTeam(): Team | null {
  return useContext(TeamContext);
}

/** Whether the person may change memories in a space. @param space default: the space that the page shows */
export function useMayWrite(space?: string): boolean {
  const team = useTeam();
  if (team === null) return true;
  const id = space === '' ? ownSpaceOf(team.me) : space;
  return mayWriteIn(team, id === undefined ? team.here : spaceOf(team, id));
}

export function mayWriteIn({ me }: Pick<Team, 'me'>, space: Space | undefined): boolean {
  return space !== undefined && space.role !== 'reader' && me.scopes.includes('memory:write');
}

export function spaceOf({ spaces }: Pick<Team, 'spaces'>, id: string): Space | undefined {
  return spaces.find((space) => space.id === id);
}

/** Id of the space that an address without a space is about. */
export function ownSpaceOf({ person, space }: Me): string {
  return space ?? (person === SERVER.person ? SERVER.space : '');
}

/** The space in an address: empty for the own one. */
export function inAddress({ me }: Pick<Team, 'me'>, id: string): string {
  return id === ownSpaceOf(me) ? '' : id;
}

interface TeamProviderProps {
  /** From the address. */
  readonly space: string;
  /** Changes with each sign-in. */
  readonly session: number;
  readonly children: ComponentChildren;
}

/** Loads who is signed in, where there are people. */
export function TeamProvider(props: TeamProviderProps) {
  return server.team ? <LoadedTeam key={props.session} {...props} /> : <>{props.children}</>;
}

const LoadContext = createContext<{ readonly problem: string; readonly reload: () => void } | null>(null);

function LoadedTeam({ space, children }: TeamProviderProps) {
  const [turn, setTurn] = useState(0);
  useEffect(
    () =>
      onRights(() => {
        setTurn((before) => before + 1);
      }),
    [],
  );
  const { value, problem, reload } = useLoad(String(turn), loadTeam);
  useSamePerson(value?.me.person);
  const team = value === undefined ? null : teamIn(value, space);
  return (
    <TeamContext.Provider value={team}>
      <LoadContext.Provider value={{ problem, reload }}>{children}</LoadContext.Provider>
    </TeamContext.Provider>
  );
}

/** Shows its children only when it is known who is signed in, and always where there are no people. */
export function TeamOnly({ children }: { readonly children: ComponentChildren }) {
  const team = useTeam();
  return server.team && team === null ? null : <>{children}</>;
}

/** Shows its children when it is known who is signed in, and that this person is a member of the space. */
export function TeamGate({ children }: { readonly children: ComponentChildren }) {
  const loading = useContext(LoadContext);
  const team = useTeam();
  if (loading === null) return <>{children}</>;
  if (team === null) {
    const { problem, reload } = loading;
    return problem === '' ? <p class="hint">Loading…</p> : <Problem text={problem} onRetry={reload} />;
  }
  // Typed text stays while the server cannot be asked.
  return team.here === undefined ? <NoSpace /> : <>{children}</>;
}

function NoSpace() {
  return (
    <>
      <h1>There is no such space</h1>
      <p>It was removed, or you are not among its members, or not any more.</p>
      <p>
        <a href={linkTo('memories', undefined, '')}>Your own memories</a>
      </p>
    </>
  );
}

type Loaded = Pick<Team, 'me' | 'spaces'>;

async function loadTeam(signal: AbortSignal): Promise<Loaded> {
  const options = { signal, space: '' };
  const [me, { spaces }] = await Promise.all([
    call<Me>('GET', '/me', options),
    call<{ spaces: Space[] }>('GET', '/spaces', options),
  ]);
  return { me, spaces };
}

function teamIn({ me, spaces }: Loaded, space: string): Team {
  const here = spaceOf({ spaces }, space === '' ? ownSpaceOf(me) : space);
  const mayManage = me.person !== SERVER.person && me.scopes.includes('memory:admin');
  return { me, spaces, here, mayManage };
}

const PERSON = 'faiss-memory-person';

/** When another person signs in in this tab, the page shows nothing of the person before. */
function useSamePerson(person: string | undefined): void {
  const shown = useRef(false);
  useEffect(() => {
    if (person === undefined) return;
    const before = sessionStorage.getItem(PERSON);
    sessionStorage.setItem(PERSON, person);
    if (before !== null && before !== person) {
      forgetDrafts();
      if (shown.current) location.reload();
    }
    shown.current = true;
  }, [person]);
}
