import type { TagCount } from './map-tags.ts';

interface MapLegendProps {
  /** In the order of their colours. */
  readonly tags: readonly TagCount[];
  /** The tag whose dots stand out; undefined = none. */
  readonly shown: string | undefined;
  readonly onShow: (tag: string | undefined) => void;
}

/** Which colour is which tag; each entry makes the dots of its tag stand out. */
export function MapLegend({ tags, shown, onShow }: MapLegendProps) {
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
