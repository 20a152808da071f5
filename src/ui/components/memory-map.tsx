import { useMemo, useState } from 'preact/hooks';
import type { MapPoint } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { type Direction, nextInDirection } from './map-neighbours.ts';
import { MapPanel } from './map-panel.tsx';
import { useMapWindow } from './use-map-window.ts';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
/** Memories as dots: to be moved, enlarged, and walked through with mouse or keyboard. */
export function MemoryMap({ points }: { readonly points: readonly MapPoint[] }) {
  const [chosen, setChosen] = useState<MapPoint | undefined>(points[0]);
  const { viewBox, size, zoom, showAll, moveTo, isDragging, mouse } = useMapWindow();
  // There are thousands, so they are drawn once and not whenever the mouse moves; the style sheet gives them their size.
  const dots = useMemo(
    () =>
      points.map(({ id, x, y, text }, index) => (
        <circle key={id} class="dot" cx={x} cy={y} data-index={index}>
          <title>{text}</title>
        </circle>
      )),
    [points],
  );
  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = ARROWS[event.key];
    if (direction !== undefined) {
      const next = nextInDirection(points, chosen, direction);
      setChosen(next);
      if (next !== undefined) moveTo(next);
    } else if (event.key === '+' || event.key === '=') zoom(0.8, chosen);
    else if (event.key === '-') zoom(1.25, chosen);
    else if (event.key === '0') showAll();
    else if (event.key === 'Enter' && chosen !== undefined) open(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <div class="map">
      <div>
        <svg
          viewBox={viewBox}
          style={{ '--seen': String(size) }}
          tabindex={0}
          role="application"
          aria-label={`Map of ${points.length} memories`}
          aria-describedby="map-help"
          onKeyDown={onKeyDown}
          onPointerOver={({ target }) => {
            if (!isDragging()) setChosen((before) => pointAt(points, target) ?? before);
          }}
          onClick={({ target }) => {
            const point = isDragging() ? undefined : pointAt(points, target);
            if (point !== undefined) open(point);
          }}
          {...mouse}
        >
          {dots}
          {chosen === undefined ? null : (
            <circle class="chosen" cx={chosen.x} cy={chosen.y} aria-hidden="true" />
          )}
        </svg>
        <div class="actions">
          <MapButton
            title="Closer"
            onClick={() => {
              zoom(0.8);
            }}
          />
          <MapButton
            title="Farther"
            onClick={() => {
              zoom(1.25);
            }}
          />
          <MapButton title="Whole map" onClick={showAll} />
        </div>
      </div>
      {chosen === undefined ? null : <MapPanel points={points} chosen={chosen} />}
    </div>
  );
}

/** The memory whose dot this is. */
function pointAt(points: readonly MapPoint[], target: EventTarget | null): MapPoint | undefined {
  const dot = target instanceof Element ? target.closest<SVGElement>('.dot') : null;
  return dot === null ? undefined : points[Number(dot.dataset['index'])];
}

function open({ id }: MapPoint): void {
  location.hash = linkTo('memory', id);
}

function MapButton({ title, onClick }: { readonly title: string; readonly onClick: () => void }) {
  return (
    <button type="button" onClick={onClick}>
      {title}
    </button>
  );
}
