import { useState } from 'preact/hooks';

interface ImportFormProps {
  readonly busy: boolean;
  readonly onFile: (file: File, overwrite: boolean) => void;
}

/** Takes a file; the import begins when it is chosen. */
export function ImportForm({ busy, onFile }: ImportFormProps) {
  const [overwrite, setOverwrite] = useState(false);
  const take = (event: Event & { readonly currentTarget: HTMLInputElement }): void => {
    const input = event.currentTarget;
    const [file] = input.files ?? [];
    if (file !== undefined) onFile(file, overwrite);
    // The same file may be chosen again, after it was mended.
    input.value = '';
  };
  return (
    <>
      <p>
        An export, or any file that has a JSON object with a “text” in each line. The same file can be
        imported again: nothing is added twice.
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={overwrite}
          onChange={(event) => {
            setOverwrite(event.currentTarget.checked);
          }}
        />
        Replace memories that the file has in another version
      </label>
      <label>
        File to import
        <input
          type="file"
          accept=".jsonl,.ndjson,.json,.txt,application/x-ndjson"
          disabled={busy}
          onChange={take}
        />
      </label>
    </>
  );
}
