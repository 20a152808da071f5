import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { NO_FILTER, parametersOf } from './filter.ts';
import { linkTo } from './view-address.ts';
import { ago, exactTime } from './words.ts';

interface ProblemProps {
  /** Empty: there is no problem, and nothing is shown. */
  readonly text: string;
  readonly onRetry?: () => void;
}

/** A message about a failure. Screen readers read it immediately. */
export function Problem({ text, onRetry }: ProblemProps) {
  return text === '' ? null : (
    <div class="problem" role="alert">
      {text}
      {onRetry === undefined ? null : (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A message in place of an empty list. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

interface ModalProps {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
}

/** A dialog above the page. Escape closes it, and the focus returns to its previous element. */
export function Modal({ title, children, onClose }: ModalProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => {
      opened?.close();
    };
  }, []);
  // The event comes a moment after the end of a dialog, when the page may have taken it away and shown another one.
  const close = (): void => {
    if (dialog.current !== null) onClose();
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={close}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {ago(at)}
    </time>
  );
}

/** The relative and the exact time, to tell versions apart. */
export function ExactTime({ at }: { readonly at: string }) {
  const exact = exactTime(at);
  const relative = ago(at);
  // For a time long ago both texts begin with the day, so one is enough.
  return <time dateTime={at}>{exact.startsWith(relative) ? exact : `${relative} (${exact})`}</time>;
}

interface MetadataProps {
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** The metadata of a memory. */
export function Metadata({ metadata = {} }: MetadataProps) {
  const members = Object.entries(metadata);
  if (members.length === 0) return null;
  return (
    <dl class="metadata">
      {members.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

interface FactsProps {
  readonly tags?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly at: string;
  readonly changed?: string | undefined;
  readonly about?: About | undefined;
}

/** The statements of a memory about itself. */
export interface About {
  readonly project?: string | undefined;
  readonly occurred?: string | undefined;
  readonly pinned?: boolean | undefined;
}

/** Times, source and tags of a memory. */
export function Facts({ tags = [], source, at, changed, about = {} }: FactsProps) {
  const { project = '', occurred = '', pinned = false } = about;
  return (
    <p class="facts">
      {pinned ? <span>pinned</span> : null}
      <Time at={at} />
      {occurred === '' ? null : (
        <span>
          of <Time at={occurred} />
        </span>
      )}
      {changed === undefined ? null : (
        <span>
          changed <Time at={changed} />
        </span>
      )}
      {source === undefined ? null : (
        <span class="source">
          from <bdi>{source}</bdi>
        </span>
      )}
      {project === '' ? null : (
        <a href={`${linkTo('memories')}?${parametersOf('', { ...NO_FILTER, project })}`}>
          in <bdi>{project}</bdi>
        </a>
      )}
      {tags.map((tag) => (
        <a
          class="tag"
          key={tag}
          href={`${linkTo('memories')}?${parametersOf('', { ...NO_FILTER, tags: tag })}`}
        >
          <bdi>{tag}</bdi>
        </a>
      ))}
    </p>
  );
}

interface DayProps {
  readonly label: string;
  readonly hint?: string;
  /** `YYYY-MM-DD`; empty = no day. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A field for a day. */
export function Day({ label, hint, value, onChange }: DayProps) {
  return (
    <label>
      {label}
      {hint === undefined ? null : <span class="hint"> {hint}</span>}
      <input
        type="date"
        value={value}
        onInput={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}

interface MoreProps {
  readonly disabled?: boolean;
  readonly onMore: () => void;
}

/** The button at the end of a list that shows more of it. */
export function More({ disabled = false, onMore }: MoreProps) {
  return (
    <button type="button" class="more" disabled={disabled} onClick={onMore}>
      More
    </button>
  );
}
