import { useRef, useState } from 'preact/hooks';

interface CopyableProps {
  readonly label: string;
  readonly text: string;
}

/** A secret that is shown once, with a button that copies it. */
export function Copyable({ label, text }: CopyableProps) {
  const field = useRef<HTMLInputElement>(null);
  const [done, setDone] = useState('');
  const copy = (): void => {
    field.current?.select();
    // Browsers offer it to encrypted pages and those of the own machine only.
    const writing = navigator.clipboard as Clipboard | undefined;
    (writing?.writeText(text) ?? Promise.reject(new Error('not offered'))).then(
      () => {
        setDone('Copied.');
      },
      () => {
        setDone('It is selected: copy it with Ctrl+C or ⌘C.');
      },
    );
  };
  return (
    <>
      <label>
        {label}
        <input
          ref={field}
          type="text"
          class="code"
          readOnly
          autocomplete="off"
          spellcheck={false}
          value={text}
        />
      </label>
      <div class="actions">
        <button type="button" onClick={copy}>
          Copy
        </button>
        <span class="hint" role="status">
          {done}
        </span>
      </div>
    </>
  );
}
