import { useEffect, useState } from 'preact/hooks';
import { server } from './server-facts.ts';

/**
 * The current view, from the part of the address after #: `memories`, `memories?query=tea`, or with an argument
 * `memory/<id>`, and in a space `@kitchen/memories`.
 */
export interface ViewAddress {
  /** Id of a space; empty = the person's own, or a server without spaces. */
  readonly space: string;
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
  const [first = '', ...rest] = path.split('/');
  const isSpace = first.startsWith('@');
  const [view = '', argument = ''] = isSpace ? rest : [first, ...rest];
  return {
    space: isSpace && server.team ? decodeArgument(first.slice(1)) : '',
    view: view === '' ? 'memories' : view,
    argument: decodeArgument(argument),
    ...{ parameters, arrival },
  };
}

/** The space of the current address. */
export function spaceHere(): string {
  return readAddress(0).space;
}

function decodeArgument(argument: string): string {
  try {
    return decodeURIComponent(argument);
  } catch {
    // A user may have typed an invalid address.
    return argument;
  }
}

/** @param space default: the space of the current address */
export function linkTo(view: string, argument?: string, space = spaceHere()): string {
  const start = space === '' ? '#/' : `#/@${encodeURIComponent(space)}/`;
  return argument === undefined ? start + view : `${start}${view}/${encodeURIComponent(argument)}`;
}

/** @param client empty or undefined = unknown */
export function linkToConversation(session: string, client = '', space = spaceHere()): string {
  const address = linkTo('conversation', session, space);
  return client === '' ? address : `${address}?${new URLSearchParams({ client }).toString()}`;
}

/**
 * Puts parameters into the address without navigating. Does nothing when the address names another view already:
 * changing it then would take the user back.
 */
export function noteParameters(view: string, parameters: string): void {
  if (readAddress(0).view !== view) return;
  history.replaceState(history.state, '', parameters === '' ? linkTo(view) : `${linkTo(view)}?${parameters}`);
}
