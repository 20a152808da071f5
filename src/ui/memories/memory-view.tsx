import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { ExactTime, Facts, Metadata, Problem, Time } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { changesBetween, changesTo, type MemoryChanges } from '../shared/memory-changes.ts';
import { readVisit } from '../shared/pages.ts';
import { useMayWrite } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { Memory, MemoryWithVersions, Version } from '../shared/types.ts';
import { linkTo, spaceHere } from '../shared/view-address.ts';
import { VersionContent } from '../shared/version-content.tsx';
import { differingFields, type Step, stepsOf } from '../shared/version-differences.ts';
import { CopyButton } from '../team/copy-memory.tsx';
import { SaidIn, useUndoableDelete } from './memory-entry.tsx';
import { MemoryForm } from './memory-form.tsx';

/** One memory with its whole text, a form to change it, and its history. */
export function MemoryView({ id }: { readonly id: string }) {
  const path = `/memory/${encodeURIComponent(id)}`;
  const { value, problem, loading, reload } = useLoad(path, (signal) =>
    call<MemoryWithVersions>('GET', path, { signal }),
  );
  /** The memory at the moment when the user began to edit it. */
  const [edited, setEdited] = useState<MemoryWithVersions | null>(null);
  const toast = useToast();
  const close = (): void => {
    setEdited(null);
  };
  const save = async (changes: MemoryChanges): Promise<void> => {
    if (Object.keys(changes).length > 0) {
      await call('PATCH', path, { body: changes });
      toast({ text: 'Saved. The previous version is in the history below.' });
    }
    close();
  };
  return (
    <article>
      <p>
        <a href={linkTo('memories')} onClick={goBack}>
          ← Back
        </a>
      </p>
      <h1>Memory</h1>
      <Problem text={problem} onRetry={reload} />
      {value === undefined && loading ? <p class="hint">Loading…</p> : null}
      {value === undefined ? null : (
        <>
          {edited !== null ? (
            <div class="card">
              <MemoryForm
                name={`memory ${id}`}
                initial={edited}
                onSave={(fields) => save(changesBetween(edited, fields))}
                onCancel={close}
              />
            </div>
          ) : (
            <MemoryCard
              memory={value}
              onEdit={() => {
                setEdited(value);
              }}
            />
          )}
          <VersionList memory={value} onUse={save} />
        </>
      )}
    </article>
  );
}

/** Goes back in the browser's history, which restores the search. */
function goBack(event: Event): void {
  if (readVisit().inside !== true) return;
  event.preventDefault();
  history.back();
}

interface MemoryCardProps {
  readonly memory: Memory;
  readonly onEdit: () => void;
}

/** A memory with its buttons. */
function MemoryCard({ memory, onEdit }: MemoryCardProps) {
  const { state, conflict, text, tags, source, metadata, created, updated, hidden } = memory;
  const isErased = hidden === undefined && (state === 'stripped' || state === 'purged');
  return (
    <div class="card">
      {state === 'deleted' ? (
        <p class="warning">
          This memory was put into the trash <Time at={updated ?? created} />.
        </p>
      ) : null}
      {hidden === undefined ? null : (
        <p class="warning">
          Machine {memory.erased_by} erased this memory for good. It arrived here <Time at={hidden} />, and
          this machine still keeps the content.
        </p>
      )}
      {isErased ? <p class="warning">This memory was erased for good.</p> : null}
      {conflict === true ? (
        <p class="warning">
          Two machines changed it. <a href={linkTo('conflicts')}>Choose a version.</a>
        </p>
      ) : null}
      <p class="text whole" dir="auto">
        {text}
      </p>
      <Facts tags={tags} source={source} at={created} changed={state === undefined ? updated : undefined} />
      <SaidIn turn={metadata} />
      {memory.superseded_by === undefined ? null : (
        <p class="hint">
          <a href={linkTo('memory', memory.superseded_by)}>A newer memory</a> replaces this one.
        </p>
      )}
      <Metadata metadata={metadata} />
      {isErased ? null : <Actions memory={memory} onEdit={onEdit} />}
    </div>
  );
}

function Actions({ memory: { id, state, hidden }, onEdit }: MemoryCardProps) {
  const remove = useUndoableDelete();
  const toast = useToast();
  const mayWrite = useMayWrite();
  const restore = (): void => {
    call('POST', `/memory/${encodeURIComponent(id)}/restore`).then(
      () => {
        toast({ text: 'The memory is back.' });
      },
      (error: unknown) => {
        toast({ text: explain(error) });
      },
    );
  };
  if (state === 'deleted' || hidden !== undefined) {
    return mayWrite ? (
      <div class="actions">
        <button type="button" class="primary" onClick={restore}>
          Restore
        </button>
      </div>
    ) : null;
  }
  return (
    <div class="actions within-reach">
      {mayWrite ? (
        <>
          <button type="button" class="primary" onClick={onEdit}>
            Edit
          </button>
          <button
            type="button"
            onClick={() => {
              remove(id, spaceHere());
            }}
          >
            Delete
          </button>
        </>
      ) : null}
      <CopyButton id={id} />
    </div>
  );
}

interface VersionListProps {
  readonly memory: MemoryWithVersions;
  /** Makes a version the current one again. */
  readonly onUse: (changes: MemoryChanges) => Promise<void>;
}

/** The history of a memory, newest first. Each version marks its differences to the next newer one. */
function VersionList({ memory, onUse }: VersionListProps) {
  const [problem, setProblem] = useState('');
  const mayWrite = useMayWrite();
  const steps = stepsOf(memory);
  if (steps.length === 0) return null;
  const use = (version: Version): void => {
    onUse(changesTo(version, memory)).catch((error: unknown) => {
      setProblem(explain(error));
    });
  };
  // A memory in the trash must be restored before one of its versions can be used.
  const canUse = mayWrite && memory.state === undefined;
  return (
    <section aria-label="History">
      <h2>History</h2>
      <Problem text={problem} />
      <ol class="entries">
        {steps.map((step, index) => (
          <OldVersion
            key={`${step.version.updated} ${index}`}
            step={step}
            onUse={
              canUse
                ? () => {
                    use(step.version);
                  }
                : undefined
            }
          />
        ))}
      </ol>
    </section>
  );
}

interface OldVersionProps {
  readonly step: Step;
  /** Undefined when the version cannot be used at present. */
  readonly onUse: (() => void) | undefined;
}

function OldVersion({ step: { version, newer }, onUse }: OldVersionProps) {
  return (
    <li class="card old">
      <VersionContent content={version} others={[newer]}>
        <ExactTime at={version.updated} />
      </VersionContent>
      <div class="foot">
        <span class="hint">Changed afterwards: {differingFields([version, newer]).join(', ')}</span>
        {onUse === undefined ? null : (
          <button type="button" onClick={onUse}>
            Use this version again
          </button>
        )}
      </div>
    </li>
  );
}
