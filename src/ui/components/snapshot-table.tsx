import { useState } from 'preact/hooks';
import type { Snapshot } from '../types.ts';
import { bytes } from '../words.ts';
import { Time } from './time.tsx';

/** More appear when they are asked for. */
const SHOWN = 8;

interface SnapshotTableProps {
  readonly title: string;
  /** Newest first. */
  readonly snapshots: readonly Snapshot[];
  readonly onRestore: (snapshot: Snapshot) => void;
}

export function SnapshotTable({ title, snapshots, onRestore }: SnapshotTableProps) {
  const [all, setAll] = useState(false);
  const shown = all ? snapshots : snapshots.slice(0, SHOWN);
  return (
    <section>
      <h2>{title}</h2>
      {snapshots.length === 0 ? null : (
        <div class="scroll" role="region" aria-label={title} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Made</th>
                <th scope="col" class="number">
                  Memories
                </th>
                <th scope="col" class="number">
                  Size
                </th>
                <th scope="col">Machine</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {shown.map((snapshot) => (
                <tr key={`${snapshot.machine} ${snapshot.name} ${snapshot.created}`}>
                  <th scope="row">
                    {snapshot.name}
                    {snapshot.pinned === true ? ' (kept)' : ''}
                  </th>
                  <td>
                    <Time at={snapshot.created} />
                  </td>
                  <td class="number">{snapshot.memories.toLocaleString()}</td>
                  <td class="number">{bytes(snapshot.bytes)}</td>
                  <td>{snapshot.own === true ? 'this one' : snapshot.machine}</td>
                  <td>
                    <button
                      type="button"
                      aria-label={`Restore ${snapshot.name}`}
                      onClick={() => {
                        onRestore(snapshot);
                      }}
                    >
                      Restore…
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown.length === snapshots.length ? null : (
        <button
          type="button"
          onClick={() => {
            setAll(true);
          }}
        >
          Show all
        </button>
      )}
    </section>
  );
}
