import { useMemo } from 'preact/hooks';
import type { MapPoint } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { count } from '../words.ts';
import { type Direction, nearestWithin, nextInDirection } from './map-neighbours.ts';
import type { TagCount } from './map-tags.ts';
import type { MapWindow } from './use-map-window.ts';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
/** Pixels around a finger in which it means a dot. */
const FINGER_REACH = 20;

interface MapPictureProps {
  readonly points: readonly MapPoint[];
  /** Those that have a colour. */
  readonly tags: readonly TagCount[];
  /** The tag whose dots stand out; undefined = none. */
  readonly shown: string | undefined;
  readonly chosen: MapPoint | undefined;
  readonly onChoose: (point: MapPoint) => void;
  readonly map: MapWindow;
}

/** The dots, for mouse, finger and keyboard. */
export function MapPicture({ points, tags, shown, chosen, onChoose, map }: MapPictureProps) {
  const { viewBox, size, isWhole, pointers, handlers } = map;
  const choose = (point: MapPoint | undefined): void => {
    if (point !== undefined) onChoose(point);
  };
  const onClick = (event: MouseEvent): void => {
    if (pointers.dragging) return;
    // A finger hides what it touches, so it chooses first; the panel has the link.
    if (pointers.finger) choose(nearestWithin(points, map.reachOf(event, FINGER_REACH)));
    else open(pointAt(points, event.target));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const direction = ARROWS[event.key];
    if (direction !== undefined) {
      const next = nextInDirection(points, chosen, direction);
      choose(next);
      if (next !== undefined) map.moveTo(next);
    } else if (event.key === 'Enter') open(chosen);
    else if (!zoomWithKey(map, event.key, chosen)) return;
    event.preventDefault();
  };
  const shownIndex = tags.findIndex(({ tag }) => tag === shown);
  return (
    <svg
      class={`${isWhole ? 'whole' : ''} ${tags.length > 0 ? 'tagged' : ''}`}
      viewBox={viewBox}
      style={{ '--seen': String(size), '--shown': `var(--tag-${shownIndex})` }}
      data-shown={shownIndex < 0 ? undefined : shownIndex}
      tabindex={0}
      role="application"
      aria-label={`Map of ${count(points.length, 'memory', 'memories')}`}
      aria-describedby="map-help map-keys"
      onKeyDown={onKeyDown}
      onPointerOver={({ target, pointerType }) => {
        if (!pointers.dragging && pointerType !== 'touch') choose(pointAt(points, target));
      }}
      onClick={onClick}
      {...handlers}
    >
      <Dots points={points} tags={tags} />
      {chosen === undefined ? null : <circle class="chosen" cx={chosen.x} cy={chosen.y} aria-hidden="true" />}
    </svg>
  );
}

/** There are thousands, so they are drawn once and not whenever the mouse moves; the style sheet gives them their size. */
function Dots({ points, tags }: Pick<MapPictureProps, 'points' | 'tags'>) {
  return useMemo(() => {
    const classes = new Map(tags.map(({ tag }, index) => [tag, `tag-${index}`]));
    return (
      <g>
        {points.map(({ id, x, y, text, tags: own = [] }, index) => {
          const names = ['dot', ...own.map((tag) => classes.get(tag)).filter((name) => name !== undefined)];
          return (
            <circle key={id} class={names.join(' ')} cx={x} cy={y} data-index={index}>
              <title>{text}</title>
            </circle>
          );
        })}
      </g>
    );
  }, [points, tags]);
}

/** @returns whether the key is one of these */
function zoomWithKey({ zoom, showAll }: MapWindow, key: string, chosen: MapPoint | undefined): boolean {
  if (key === '+' || key === '=') zoom(0.8, chosen);
  else if (key === '-') zoom(1.25, chosen);
  else if (key === '0') showAll();
  else return false;
  return true;
}

/** The memory whose dot this is. */
function pointAt(points: readonly MapPoint[], target: EventTarget | null): MapPoint | undefined {
  const dot = target instanceof Element ? target.closest<SVGElement>('.dot') : null;
  return dot === null ? undefined : points[Number(dot.dataset['index'])];
}

function open(point: MapPoint | undefined): void {
  if (point !== undefined) location.hash = linkTo('memory', point.id);
}
