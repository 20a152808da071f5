import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { onRefused } from '../session.ts';
import { useKeptFocus } from '../use-kept-focus.ts';
import { usePlace } from '../use-place.ts';
import { useRefresh } from '../use-refresh.ts';
import { viewOf } from '../views/view-of.tsx';
import { readVisit, writeVisit } from '../visit.ts';
import { Navigation, titleOf } from './navigation.tsx';
import { ToastProvider } from './toast.tsx';
import { TokenForm } from './token-form.tsx';
import { WorkInProgress } from './work-progress.tsx';
import { WorkProvider } from './work-provider.tsx';

/** The frame of the page: navigation, the current view, messages. */
export function Shell() {
  const place = usePlace();
  const [asking, setAsking] = useState<'refused' | 'wanted' | null>(null);
  const [session, setSession] = useState(0);
  const content = useRef<HTMLElement>(null);
  const key = `${session} ${place.arrival}`;
  useEffect(
    () =>
      onRefused(() => {
        setAsking('refused');
      }),
    [],
  );
  useEffect(() => {
    document.title = titleOf(place.view);
  }, [place.view]);
  useEffect(() => {
    // Who goes elsewhere does not want to change it any more.
    setAsking((before) => (before === 'wanted' ? null : before));
  }, [place.arrival]);
  useArrival(key, content.current);
  useRefresh();
  useKeptFocus();
  const changeToken = (): void => {
    setAsking('wanted');
  };
  const enter = (): void => {
    setAsking(null);
    setSession(session + 1);
  };
  return (
    <ToastProvider>
      <WorkProvider>
        <a class="skip" href="#content" onClick={skipToContent}>
          Skip to content
        </a>
        <header class="top">
          <a class="brand" href="#/memories">
            <img src="/ui/icon.svg" alt="" width="28" height="28" />
            faiss-memory
          </a>
          <Navigation current={place.view} session={session} onChangeToken={changeToken} />
        </header>
        <main id="content" tabIndex={-1} ref={content} onClickCapture={rememberScroll}>
          {place.view === 'sync' ? null : <WorkInProgress />}
          <div key={key}>
            {asking === null ? viewOf(place) : <TokenForm reason={asking} onEnter={enter} />}
          </div>
        </main>
      </WorkProvider>
    </ToastProvider>
  );
}

/** Begins every view but the first at its top, for the eyes and for the keyboard. */
function useArrival(key: string, content: HTMLElement | null): void {
  const last = useRef(key);
  // Before the next key arrives: later, it would take the focus from what the user has chosen meanwhile.
  useLayoutEffect(() => {
    // The first view is what the user came to from elsewhere.
    if (readVisit().inside === undefined) writeVisit({ inside: last.current !== key });
    if (last.current === key) return;
    last.current = key;
    window.scrollTo(0, 0);
    content?.focus({ preventScroll: true });
  }, [key]);
}

/** Before a link leads away, so that the way back leads here. */
function rememberScroll({ target }: Event): void {
  if (target instanceof Element && target.closest('a') !== null) writeVisit({ scroll: window.scrollY });
}

/** The part of the address after # names the view, so the link must not change it. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
