import type { VNode } from 'preact';
import type { Place } from '../use-place.ts';
import { ConflictsView } from './conflicts-view.tsx';
import { MemoriesView } from './memories-view.tsx';
import { MemoryView } from './memory-view.tsx';
import { PictureView } from './picture-view.tsx';
import { SyncView } from './sync-view.tsx';
import { TransferView } from './transfer-view.tsx';
import { TrashView } from './trash-view.tsx';

export function viewOf({ view, argument, parameters }: Place): VNode {
  switch (view) {
    case 'memory':
      return <MemoryView id={argument} />;
    case 'trash':
      return <TrashView />;
    case 'conflicts':
      return <ConflictsView />;
    case 'sync':
      return <SyncView />;
    case 'picture':
      return <PictureView />;
    case 'transfer':
      return <TransferView />;
    default:
      return <MemoriesView parameters={parameters} />;
  }
}
