import type { VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { ConflictsView } from './conflicts/conflicts-view.tsx';
import { ConversationView } from './conversations/conversation-view.tsx';
import { ConversationsView } from './conversations/conversations-view.tsx';
import { PictureView } from './map/picture-view.tsx';
import { MemoriesView } from './memories/memories-view.tsx';
import { MemoryView } from './memories/memory-view.tsx';
import { reportChange } from './shared/api.ts';
import { reportRights } from './shared/credential.ts';
import { useStats } from './shared/load.ts';
import { readVisit, writeVisit } from './shared/pages.ts';
import { TeamGate, TeamOnly, TeamProvider } from './shared/team.tsx';
import { ToastProvider } from './shared/toast.tsx';
import { linkTo, useViewAddress, type ViewAddress } from './shared/view-address.ts';
import { WorkInProgress, WorkProvider } from './shared/work.tsx';
import { AccountButtons, SignInDialog, SignInForm, useSignIn } from './sign-in/sign-in-form.tsx';
import { SyncView } from './sync/sync-view.tsx';
import { AuditView } from './team/audit-view.tsx';
import { MembersView } from './team/members-view.tsx';
import { SpacesView } from './team/spaces-view.tsx';
import { TeamBar } from './team/team-bar.tsx';
import { TokensView } from './team/tokens-view.tsx';
import { TransferView } from './transfer/transfer-view.tsx';
import { TrashView } from './trash/trash-view.tsx';

/** The frame of the page: navigation, the current view, messages. */
export function Shell() {
  const address = useViewAddress();
  const { asking, session, changeToken, enter, leave, later } = useSignIn(address.arrival);
  const content = useRef<HTMLElement>(null);
  const key = `${session} ${address.arrival}`;
  useEffect(() => {
    document.title = titleOf(address);
  }, [address]);
  useArrival(key, content.current);
  useRefresh();
  useKeptFocus();
  return (
    <ToastProvider>
      <WorkProvider>
        <TeamProvider space={address.space} session={session}>
          <a class="skip" href="#content" onClick={skipToContent}>
            Skip to content
          </a>
          <header class="top">
            <a class="brand" href={linkTo('memories')}>
              <img src="/ui/icon.svg" alt="" width="28" height="28" />
              faiss-memory
            </a>
            <TeamOnly>
              <Navigation current={address.view} session={`${session} ${address.space}`} />
            </TeamOnly>
            {asking === 'refused' ? null : <AccountButtons onChangeToken={changeToken} onSignOut={leave} />}
          </header>
          <TeamBar current={address.view} />
          <main id="content" tabIndex={-1} ref={content} onClickCapture={rememberScroll}>
            {address.view === 'sync' ? null : <WorkInProgress />}
            {asking === null || asking === 'ended' ? null : (
              <SignInForm key={session} reason={asking} onEnter={enter} />
            )}
            {asking === null || asking === 'ended' ? (
              <div key={key}>
                <TeamGate>{viewOf(address)}</TeamGate>
              </div>
            ) : null}
            {asking === 'ended' ? <SignInDialog onEnter={enter} onClose={later} /> : null}
          </main>
        </TeamProvider>
      </WorkProvider>
    </ToastProvider>
  );
}

/** Scrolls to the top and moves the focus to the content when the view changes, but not for the first view. */
function useArrival(key: string, content: HTMLElement | null): void {
  const last = useRef(key);
  // A layout effect runs before the next key event. Later, it could take the focus from an element the user chose.
  useLayoutEffect(() => {
    // The user reached the first view from another page.
    if (readVisit().inside === undefined) writeVisit({ inside: last.current !== key });
    if (last.current === key) return;
    last.current = key;
    window.scrollTo(0, 0);
    // With the keyboard one passes other spaces on the way to the wanted one.
    if (document.activeElement?.matches('.space select') !== true) content?.focus({ preventScroll: true });
  }, [key]);
}

/** Stores the scroll position before a link is followed, for the way back. */
function rememberScroll({ target }: Event): void {
  if (target instanceof Element && target.closest('a') !== null) writeVisit({ scroll: window.scrollY });
}

/** Moves the focus without changing the address, because the part after # names the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

interface Entry {
  readonly view: string;
  readonly title: string;
}

const ENTRIES: readonly Entry[] = [
  { view: 'memories', title: 'Memories' },
  { view: 'conversations', title: 'Conversations' },
  { view: 'trash', title: 'Trash' },
  { view: 'conflicts', title: 'Conflicts' },
  { view: 'sync', title: 'Backups & sync' },
  { view: 'picture', title: 'Picture' },
  { view: 'transfer', title: 'Import & export' },
];

const OTHER_TITLES: Readonly<Record<string, string>> = {
  ...{ memory: 'Memory', conversation: 'Conversation' },
  ...{ spaces: 'Spaces', members: 'Members', audit: 'Audit log', tokens: 'Tokens' },
};

/** Views of one thing, and the list that it is in. */
const PARENTS: Readonly<Record<string, string>> = { memory: 'memories', conversation: 'conversations' };

/** The title of the window. */
function titleOf({ view, space }: ViewAddress): string {
  const title = ENTRIES.find((entry) => entry.view === view)?.title ?? OTHER_TITLES[view] ?? 'Memories';
  return [title === 'Memories' ? '' : title, space, 'Memories'].filter((part) => part !== '').join(' · ');
}

/** Loads the view again when the user clicks the link to the current view. */
function loadAgain({ currentTarget }: Event & { readonly currentTarget: HTMLAnchorElement }): void {
  if (currentTarget.hash === location.hash) reportChange();
}

interface NavigationProps {
  /** The view that is shown. */
  readonly current: string;
  /** Changes when the user has entered a token, and with the space. */
  readonly session: string;
}

function Navigation({ current, session }: NavigationProps) {
  const stats = useStats(`${current} ${session}`);
  const counts: Readonly<Record<string, number | undefined>> = {
    trash: stats === undefined ? undefined : stats.trash + (stats.hidden ?? 0),
    conflicts: stats?.conflicts,
  };
  const shown = PARENTS[current] ?? current;
  return (
    <nav aria-label="Main">
      <ul>
        {ENTRIES.map(({ view, title }) => {
          const count = counts[view] ?? 0;
          return (
            <li key={view}>
              <a href={linkTo(view)} aria-current={view === shown ? 'page' : undefined} onClick={loadAgain}>
                {title} {count === 0 ? null : <span class="badge">{count.toLocaleString()}</span>}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function viewOf({ view, argument, parameters }: ViewAddress): VNode {
  switch (view) {
    case 'memory':
      return <MemoryView id={argument} />;
    case 'conversations':
      return <ConversationsView />;
    case 'conversation':
      return <ConversationView session={argument} parameters={parameters} />;
    case 'trash':
      return <TrashView />;
    case 'conflicts':
      return <ConflictsView />;
    case 'sync':
      return <SyncView />;
    case 'picture':
      return <PictureView />;
    case 'transfer':
      return <TransferView />;
    case 'spaces':
      return <SpacesView />;
    case 'members':
      return <MembersView />;
    case 'audit':
      return <AuditView />;
    case 'tokens':
      return <TokensView />;
    default:
      return <MemoriesView parameters={parameters} />;
  }
}

/** Events after which the focus may be on another element. A window in the background gets no `focusin`. */
const SIGNS = ['focusin', 'keydown', 'click'] as const;

/**
 * Keeps the focus near its place when its element disappears or is disabled. The browser would move it to the beginning
 * of the page.
 */
function useKeptFocus(): void {
  useEffect(() => {
    /** The element that had the focus last, followed by its parents. */
    let path: readonly HTMLElement[] = [];
    const note = (): void => {
      const { activeElement } = document;
      if (activeElement === null || isWholePage(activeElement) || activeElement === path[0]) return;
      path = withParents(activeElement);
    };
    const mend = (): void => {
      const [last, ...around] = path;
      if (last === undefined || !hasLostFocus(last)) return;
      path = [];
      const place = around.find((element) => element.isConnected && !isWholePage(element));
      const home = place ?? document.getElementById('content');
      if (home === null) return;
      if (!home.hasAttribute('tabindex')) home.tabIndex = -1;
      home.focus({ preventScroll: true });
      note();
    };
    // The browser removes the focus from a disabled element only later.
    const mendSoon = (): void => {
      queueMicrotask(mend);
    };
    const observer = new MutationObserver(mend);
    observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
    // Capturing runs before the elements' own listeners, which may disable or remove them.
    for (const sign of SIGNS) document.addEventListener(sign, note, { capture: true });
    document.addEventListener('focusout', mendSoon);
    return () => {
      observer.disconnect();
      for (const sign of SIGNS) document.removeEventListener(sign, note, { capture: true });
      document.removeEventListener('focusout', mendSoon);
    };
  }, []);
}

function withParents(element: Element): HTMLElement[] {
  const path: HTMLElement[] = [];
  for (let each: Element | null = element; each !== null; each = each.parentElement)
    if (each instanceof HTMLElement) path.push(each);
  return path;
}

function hasLostFocus(element: HTMLElement): boolean {
  const { activeElement } = document;
  if (activeElement === element) return element.matches(':disabled');
  const isNowhere = activeElement === null || activeElement === document.body;
  return isNowhere && (!element.isConnected || element.matches(':disabled'));
}

function isWholePage(element: Element): boolean {
  return element === document.body || element === document.documentElement;
}

const SHORTEST_PAUSE_MS = 5_000;

/** Loads changes by assistants and other machines when the user comes back to the page. */
function useRefresh(): void {
  useEffect(() => {
    let last = Date.now();
    const refresh = (): void => {
      if (document.visibilityState !== 'visible' || Date.now() - last < SHORTEST_PAUSE_MS) return;
      last = Date.now();
      reportChange();
      reportRights();
    };
    document.addEventListener('visibilitychange', refresh);
    window.addEventListener('focus', refresh);
    return () => {
      document.removeEventListener('visibilitychange', refresh);
      window.removeEventListener('focus', refresh);
    };
  }, []);
}
