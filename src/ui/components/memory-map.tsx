import { useMemo, useState } from 'preact/hooks';
import type { MapPoint } from '../types.ts';
import { MapLegend } from './map-legend.tsx';
import { MapPanel } from './map-panel.tsx';
import { MapPicture } from './map-picture.tsx';
import { frequentTags } from './map-tags.ts';
import { useMapWindow } from './use-map-window.ts';

/** More colours than these are hard to tell apart; the style sheet has as many. */
const COLOURS = 5;

/** Memories as dots: to be moved, enlarged, and walked through with mouse, finger or keyboard. */
export function MemoryMap({ points }: { readonly points: readonly MapPoint[] }) {
  const [chosenId, setChosenId] = useState('');
  const [shown, setShown] = useState<string | undefined>(undefined);
  const tags = useMemo(() => frequentTags(points, COLOURS), [points]);
  const map = useMapWindow();
  // By its id, as the points are others when they were loaded again.
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
            title="Closer"
            onClick={() => {
              map.zoom(0.8);
            }}
          />
          <MapButton
            title="Farther"
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
