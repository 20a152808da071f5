import { count, timeLeft } from '../words.ts';
import { Problem } from './notice.tsx';
import { MAP_LIMIT, type MapPoints } from './use-map-points.ts';

interface MapNotesProps extends Pick<MapPoints, 'pending' | 'secondsLeft' | 'pendingProblem'> {
  /** Of all memories. */
  readonly total: number;
}

/** Why the map does not have all memories. */
export function MapNotes({ total, pending, secondsLeft, pendingProblem }: MapNotesProps) {
  const waiting = count(pending, 'memory', 'memories');
  const verb = pending === 1 ? 'is' : 'are';
  return (
    <>
      {total > MAP_LIMIT ? (
        <p class="hint">
          Only the newest {MAP_LIMIT.toLocaleString()} of {total.toLocaleString()} memories are drawn.
        </p>
      ) : null}
      {pending > 0 && pendingProblem === undefined ? (
        <p class="hint">
          {waiting} {verb} still being read; the map grows until that is done.{' '}
          {(total - pending).toLocaleString()} of {total.toLocaleString()} are done
          {secondsLeft === undefined ? '' : `, about ${timeLeft(secondsLeft)} left`}.
        </p>
      ) : null}
      {pending > 0 && pendingProblem !== undefined ? (
        <Problem text={`${waiting} cannot be read now: ${pendingProblem}`} />
      ) : null}
      {pending === 0 ? <Problem text={pendingProblem ?? ''} /> : null}
    </>
  );
}
