import type { MapPoint } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { Facts } from './facts.tsx';
import { nearestTo } from './map-neighbours.ts';

const NEIGHBOURS = 6;

interface MapPanelProps {
  readonly points: readonly MapPoint[];
  readonly chosen: MapPoint;
}

/** The memory under the mouse or the keyboard, and those around it. */
export function MapPanel({ points, chosen }: MapPanelProps) {
  const { id, text, tags, created } = chosen;
  const neighbours = nearestTo(points, chosen, NEIGHBOURS);
  return (
    <div class="panel">
      <div id="map-chosen" aria-live="polite">
        <a class="text" href={linkTo('memory', id)}>
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
                <a href={linkTo('memory', point.id)}>{point.text}</a>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
