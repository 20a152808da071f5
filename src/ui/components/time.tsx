import { ago, exactTime } from '../words.ts';

export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at)}
    </time>
  );
}
