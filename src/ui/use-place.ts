import { useEffect, useState } from 'preact/hooks';

/** Where in the page the user is: `memories`, or with an argument `memory/<id>`. From the part of the address after #. */
export interface Place {
  readonly view: string;
  readonly argument: string;
}

export function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const follow = (): void => {
      setPlace(readPlace());
    };
    window.addEventListener('hashchange', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
    };
  }, []);
  return place;
}

function readPlace(): Place {
  const [view = '', argument = ''] = location.hash.replace(/^#\/?/, '').split('/');
  return { view: view === '' ? 'memories' : view, argument: decodeURIComponent(argument) };
}

export function linkTo(view: string, argument?: string): string {
  return argument === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(argument)}`;
}
