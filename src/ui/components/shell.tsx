import { useEffect, useState } from 'preact/hooks';
import { onRefused } from '../session.ts';
import { usePlace } from '../use-place.ts';
import { viewOf } from '../views/view-of.tsx';
import { Navigation } from './navigation.tsx';
import { ToastProvider } from './toast.tsx';
import { TokenForm } from './token-form.tsx';

/** The frame of the page: navigation, the current view, messages. */
export function Shell() {
  const place = usePlace();
  const [refused, setRefused] = useState(false);
  const [visit, setVisit] = useState(0);
  useEffect(
    () =>
      onRefused(() => {
        setRefused(true);
      }),
    [],
  );
  const enter = (): void => {
    setRefused(false);
    setVisit(visit + 1);
  };
  return (
    <ToastProvider>
      <a class="skip" href="#content" onClick={skipToContent}>
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="#/memories">
          <img src="/ui/icon.svg" alt="" width="28" height="28" />
          Memories
        </a>
        <Navigation current={place.view} visit={visit} />
      </header>
      <main id="content" tabIndex={-1} key={`${visit}/${place.view}/${place.argument}`}>
        {refused ? <TokenForm onEnter={enter} /> : viewOf(place)}
      </main>
    </ToastProvider>
  );
}

/** The part of the address after # names the view, so the link must not change it. */
function skipToContent(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}
