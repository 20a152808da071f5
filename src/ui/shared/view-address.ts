import { useEffect, useState } from 'preact/hooks';

/**
 * The current view, from the part of the address after #: `memories`, `memories?query=tea`, or with an argument
 * `memory/<id>`.
 */
export interface ViewAddress {
  readonly view: string;
  readonly argument: string;
  /** The parameters in the form of a URL query. */
  readonly parameters: string;
  /** Changes with each navigation, also with one to the same address. */
  readonly arrival: number;
}

export function useViewAddress(): ViewAddress {
  const [address, setAddress] = useState(() => readAddress(0));
  useEffect(() => {
    const follow = (): void => {
      setAddress(({ arrival }) => readAddress(arrival + 1));
    };
    window.addEventListener('hashchange', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
    };
  }, []);
  return address;
}

function readAddress(arrival: number): ViewAddress {
  const [path = '', parameters = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const [view = '', argument = ''] = path.split('/');
  return { view: view === '' ? 'memories' : view, argument: decodeArgument(argument), parameters, arrival };
}

function decodeArgument(argument: string): string {
  try {
    return decodeURIComponent(argument);
  } catch {
    // A user may have typed an invalid address.
    return argument;
  }
}

export function linkTo(view: string, argument?: string): string {
  return argument === undefined ? `#/${view}` : `#/${view}/${encodeURIComponent(argument)}`;
}

/** @param client empty or undefined = unknown */
export function linkToConversation(session: string, client = ''): string {
  const address = linkTo('conversation', session);
  return client === '' ? address : `${address}?${new URLSearchParams({ client }).toString()}`;
}

/**
 * Puts parameters into the address without navigating. Does nothing when the address names another view already:
 * changing it then would take the user back.
 */
export function noteParameters(view: string, parameters: string): void {
  if (readAddress(0).view !== view) return;
  history.replaceState(history.state, '', parameters === '' ? `#/${view}` : `#/${view}?${parameters}`);
}
