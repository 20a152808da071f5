import { useEffect, useState } from 'preact/hooks';

/**
 * Where in the page the user is, from the part of the address after #: `memories`, `memories?query=tea`, or with an
 * argument `memory/<id>`.
 */
export interface Place {
  readonly view: string;
  readonly argument: string;
  /** As a query. */
  readonly parameters: string;
  /** Another one each time that the user goes anywhere, be it to where they are. */
  readonly arrival: number;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(0));
  useEffect(() => {
    const follow = (): void => {
      setPlace(({ arrival }) => readPlace(arrival + 1));
    };
    window.addEventListener('hashchange', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
    };
  }, []);
  return place;
}

function readPlace(arrival: number): Place {
  const [path = '', parameters = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', argument = ''] = path.split('/');
  return { view: view === '' ? 'memories' : view, argument: decodeArgument(argument), parameters, arrival };
}

function decodeArgument(argument: string): string {
  try {
    return decodeURIComponent(argument);
  } catch {
    // Written by hand.
    return argument;
  }
}

export function linkTo(view: string, argument?: string): string {
  return argument === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(argument)}`;
}

/**
 * Puts parameters into the address without going anywhere. When the user has left the view already, and the page is
 * about to follow, the address stays: rewriting it would take the user back.
 */
export function noteParameters(view: string, parameters: string): void {
  if (readPlace(0).view !== view) return;
  history.replaceState(history.state, '', parameters === '' ? `#/${view}` : `#/${view}?${parameters}`);
}
