import { useMemo, useState } from 'preact/hooks';
import { Facts } from '../shared/elements.tsx';
import { linkTo } from '../shared/view-address.ts';
import type { MapPoint } from '../shared/types.ts';
import { count } from '../shared/words.ts';
import {
  type Direction,
  frequentTags,
  nearestTo,
  nearestWithin,
  nextInDirection,
  type TagCount,
} from './map-frame.ts';
import { type MapWindow, useMapWindow } from './map-window.ts';

/** Number of tag colours in the style sheet. More would be hard to tell apart. */
const COLOURS = 5;

/** A map with a dot for each memory. Mouse, finger and keyboard can move and zoom it and choose dots. */
export function MemoryMap({ points }: { readonly points: readonly MapPoint[] }) {
  const [chosenId, setChosenId] = useState('');
  const [shown, setShown] = useState<string | undefined>(undefined);
  const tags = useMemo(() => frequentTags(points, COLOURS), [points]);
  const map = useMapWindow();
  // The id identifies the point, because the point objects are new after each load.
  const chosen = points.find(({ id }) => id === chosenId) ?? points[0];
  return (
    <div class="map">
      <div>
        <MapPicture
          points={points}
          tags={tags}
          shown={shown}
          chosen={chosen}
          onChoose={({ id }) => {
            setChosenId(id);
          }}
          map={map}
        />
        <MapLegend tags={tags} shown={shown} onShow={setShown} />
        <div class="actions">
          <MapButton
            title="Zoom in"
            onClick={() => {
              map.zoom(0.8);
            }}
          />
          <MapButton
            title="Zoom out"
            onClick={() => {
              map.zoom(1.25);
            }}
          />
          <MapButton title="Whole map" onClick={map.showAll} />
        </div>
      </div>
      {chosen === undefined ? null : <MapPanel points={points} chosen={chosen} />}
    </div>
  );
}

function MapButton({ title, onClick }: { readonly title: string; readonly onClick: () => void }) {
  return (
    <button type="button" onClick={onClick}>
      {title}
    </button>
  );
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};
/** A finger chooses the nearest dot within this number of pixels. */
const FINGER_REACH = 20;

interface MapPictureProps {
  readonly points: readonly MapPoint[];
  /** The tags with a colour. */
  readonly tags: readonly TagCount[];
  /** The tag whose dots stand out; undefined = none. */
  readonly shown: string | undefined;
  readonly chosen: MapPoint | undefined;
  readonly onChoose: (point: MapPoint) => void;
  readonly map: MapWindow;
}

/** The picture with the dots, for mouse, finger and keyboard. */
function MapPicture({ points, tags, shown, chosen, onChoose, map }: MapPictureProps) {
  const { viewBox, size, isWhole, pointers, handlers } = map;
  const choose = (point: MapPoint | undefined): void => {
    if (point !== undefined) onChoose(point);
  };
  const onClick = (event: MouseEvent): void => {
    if (pointers.dragging) return;
    // A finger hides the dot, so a tap only chooses it. The panel has the link to the memory.
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

/** The dots. There may be thousands, so they are not drawn again with each movement. The style sheet sets their size. */
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

/** @returns true when the key is one for zooming */
function zoomWithKey({ zoom, showAll }: MapWindow, key: string, chosen: MapPoint | undefined): boolean {
  if (key === '+' || key === '=') zoom(0.8, chosen);
  else if (key === '-') zoom(1.25, chosen);
  else if (key === '0') showAll();
  else return false;
  return true;
}

/** @returns the point of the dot under the event; undefined when there is none */
function pointAt(points: readonly MapPoint[], target: EventTarget | null): MapPoint | undefined {
  const dot = target instanceof Element ? target.closest<SVGElement>('.dot') : null;
  return dot === null ? undefined : points[Number(dot.dataset['index'])];
}

function open(point: MapPoint | undefined): void {
  if (point !== undefined) location.hash = linkTo('memory', point.id);
}

interface MapLegendProps {
  /** In the order of their colours. */
  readonly tags: readonly TagCount[];
  /** The tag whose dots stand out; undefined = none. */
  readonly shown: string | undefined;
  readonly onShow: (tag: string | undefined) => void;
}

/** Shows the colour of each tag. A click on a tag highlights its dots. */
function MapLegend({ tags, shown, onShow }: MapLegendProps) {
  if (tags.length === 0) return null;
  return (
    <div class="tag-legend" role="group" aria-label="Most frequent tags on the map">
      {tags.map(({ tag, count }, index) => (
        <button
          key={tag}
          type="button"
          class={`tag-${index}`}
          aria-pressed={tag === shown}
          onClick={() => {
            onShow(tag === shown ? undefined : tag);
          }}
        >
          <bdi>{tag}</bdi> <span class="number">{count.toLocaleString()}</span>
        </button>
      ))}
    </div>
  );
}

const NEIGHBOURS = 6;

interface MapPanelProps {
  readonly points: readonly MapPoint[];
  readonly chosen: MapPoint;
}

/** Shows the chosen memory and its neighbours on the map. */
function MapPanel({ points, chosen }: MapPanelProps) {
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
