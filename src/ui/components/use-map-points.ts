import { useEffect } from 'preact/hooks';
import { call } from '../api.ts';
import type { MapPoint, Stats } from '../types.ts';
import { type Loaded, useLoad } from '../use-load.ts';

export interface MapAnswer {
  readonly points: readonly MapPoint[];
  /** Of all memories; the map may have fewer. */
  readonly total: number;
}

/** The map has the newest so many. */
export const MAP_LIMIT = 2_000;
const PAUSE_MS = 5_000;

export interface MapPoints extends Loaded<MapAnswer> {
  /** Memories that have no place on the map as long as their meaning is not known. */
  readonly pending: number;
  /** Seconds until none is pending; undefined = not known. */
  readonly secondsLeft: number | undefined;
  /** Why that does not go on; undefined = it does. */
  readonly pendingProblem: string | undefined;
}

/** The map, loaded again as long as it lacks memories. */
export function useMapPoints(): MapPoints {
  const { value, loading, reload } = useLoad('stats', (signal) => call<Stats>('GET', '/stats', { signal }));
  const { pending, problem, seconds_left: secondsLeft } = value?.embedding ?? { pending: 0 };
  // After each change of the number, so that the map has all that the number says is done.
  const map = useLoad(`map ${pending}`, (signal) =>
    call<MapAnswer>('GET', `/memories/map?limit=${MAP_LIMIT}`, { signal }),
  );
  const isBusy = loading || map.loading;
  useEffect(() => {
    if (pending === 0 || isBusy) return undefined;
    const timer = setTimeout(reload, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [pending, isBusy, reload]);
  return { ...map, pending, secondsLeft, pendingProblem: problem };
}
