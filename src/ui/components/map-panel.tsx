import { useMemo } from 'preact/hooks';
import type { MapPoint } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { Facts } from './facts.tsx';
import { nearestTo } from './map-neighbours.ts';

const NEIGHBOURS = 6;

interface MapPanelProps {
  readonly points: readonly MapPoint[];
  readonly chosen: MapPoint;
}

/** The memory that mouse, finger or keyboard chose, and those around it. */
export function MapPanel({ points, chosen }: MapPanelProps) {
  const { id, text, tags, created } = chosen;
  const neighbours = useMemo(() => nearestTo(points, chosen, NEIGHBOURS), [points, chosen]);
  return (
    <div class="panel">
      <div id="map-chosen" aria-live="polite">
        <a class="text" href={linkTo('memory', id)} dir="auto">
          {text}
        </a>
        <Facts tags={tags} at={created} />
      </div>
      {neighbours.length === 0 ? null : (
        <>
          <h3>Near it on the map</h3>
          <ul class="links">
            {neighbours.map((point) => (
              <li key={point.id}>
                <a href={linkTo('memory', point.id)} dir="auto">
                  {point.text}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
