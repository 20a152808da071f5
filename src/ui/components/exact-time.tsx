import { ago, exactTime } from '../words.ts';

/** How long ago, and when exactly, to tell versions apart. */
export function ExactTime({ at }: { readonly at: string }) {
  const exact = exactTime(at);
  const relative = ago(at);
  // Of long ago, both begin with the day.
  return <time dateTime={at}>{exact.startsWith(relative) ? exact : `${relative} (${exact})`}</time>;
}
