import { useState } from 'preact/hooks';
import type { MapPoint } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { Facts } from './facts.tsx';
import { nearestTo, type Direction, nextInDirection } from './map-neighbours.ts';
import { useMapWindow } from './use-map-window.ts';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
const NEIGHBOURS = 6;

/** Memories as dots: to be moved, enlarged, and walked through with mouse or keyboard. */
export function MemoryMap({ points }: { readonly points: readonly MapPoint[] }) {
  const [chosen, setChosen] = useState<MapPoint | undefined>(points[0]);
  const { frame, viewBox, zoom, moveTo, mouse } = useMapWindow();
  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = ARROWS[event.key];
    if (direction !== undefined) {
      const next = nextInDirection(points, chosen, direction);
      setChosen(next);
      if (next !== undefined) moveTo(next);
    } else if (event.key === '+' || event.key === '=') zoom(0.8);
    else if (event.key === '-') zoom(1.25);
    else if (event.key === 'Enter' && chosen !== undefined) location.hash = linkTo('memory', chosen.id);
    else return;
    event.preventDefault();
  };
  const radius = frame.size / 130;
  return (
    <div class="map">
      <svg
        viewBox={viewBox}
        tabindex={0}
        role="application"
        aria-label={`Map of ${points.length} memories`}
        aria-describedby="map-chosen"
        onKeyDown={onKeyDown}
        {...mouse}
      >
        {points.map((point) => (
          <circle
            key={point.id}
            cx={point.x}
            cy={point.y}
            r={point === chosen ? radius * 1.8 : radius}
            class={point === chosen ? 'dot chosen' : 'dot'}
            onMouseEnter={() => {
              setChosen(point);
            }}
            onClick={() => {
              setChosen(point);
            }}
            onDblClick={() => {
              location.hash = linkTo('memory', point.id);
            }}
          >
            <title>{point.text}</title>
          </circle>
        ))}
      </svg>
      <div class="actions">
        <ZoomButton
          title="Closer"
          onClick={() => {
            zoom(0.8);
          }}
        />
        <ZoomButton
          title="Farther"
          onClick={() => {
            zoom(1.25);
          }}
        />
      </div>
      <div id="map-chosen" aria-live="polite">
        {chosen === undefined ? null : <Chosen point={chosen} />}
      </div>
      {chosen === undefined ? null : <Neighbours points={nearestTo(points, chosen, NEIGHBOURS)} />}
    </div>
  );
}

function ZoomButton({ title, onClick }: { readonly title: string; readonly onClick: () => void }) {
  return (
    <button type="button" onClick={onClick}>
      {title}
    </button>
  );
}

function Chosen({ point }: { readonly point: MapPoint }) {
  return (
    <>
      <a class="text" href={linkTo('memory', point.id)}>
        {point.text}
      </a>
      <Facts tags={point.tags} at={point.created} />
    </>
  );
}

function Neighbours({ points }: { readonly points: readonly MapPoint[] }) {
  return (
    <section>
      <h3>Near it on the map</h3>
      <ul>
        {points.map(({ id, text }) => (
          <li key={id}>
            <a href={linkTo('memory', id)}>{text}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
