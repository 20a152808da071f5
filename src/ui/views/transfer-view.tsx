import { useState } from 'preact/hooks';
import { send } from '../api.ts';
import { explain } from '../api-error.ts';
import { Problem } from '../components/notice.tsx';
import type { ImportAnswer } from '../types.ts';

const SHOWN_PROBLEMS = 20;

/** All memories into a file, and from a file. */
export function TransferView() {
  const [problem, setProblem] = useState('');
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const [busy, setBusy] = useState(false);
  const run = (work: Promise<void>): void => {
    setProblem('');
    setBusy(true);
    work
      .catch((error: unknown) => {
        setProblem(explain(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  const takeFile = async (file: File): Promise<void> => {
    setAnswer(null);
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const response = await send('/import', { method: 'POST', body: file, headers });
    setAnswer((await response.json()) as ImportAnswer);
  };
  return (
    <>
      <h1>Import &amp; export</h1>
      <Problem text={problem} />
      <div class="card">
        <h2>Export</h2>
        <p>All memories as a text file, one a line (JSON lines), with their tags, sources and times.</p>
        <button
          type="button"
          class="primary"
          disabled={busy}
          onClick={() => {
            run(saveExport());
          }}
        >
          Export memories
        </button>
      </div>
      <div class="card">
        <h2>Import</h2>
        <p>
          An export, or any file that has a JSON object with a “text” in each line. The same file can be
          imported again: nothing is added twice.
        </p>
        <label>
          File to import
          <input
            type="file"
            accept=".jsonl,.ndjson,.json,application/x-ndjson"
            disabled={busy}
            onChange={(event) => {
              const [file] = event.currentTarget.files ?? [];
              if (file !== undefined) run(takeFile(file));
            }}
          />
        </label>
        <div role="status">
          {busy ? <p class="hint">Working…</p> : null}
          {answer === null ? null : <ImportReport answer={answer} />}
        </div>
      </div>
    </>
  );
}

/** Fetched and not linked to, because a link cannot carry the token. */
async function saveExport(): Promise<void> {
  const response = await send('/export', { method: 'GET' });
  const name = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '')?.[1];
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), {
    href: address,
    download: name ?? 'memories.jsonl',
  });
  link.click();
  URL.revokeObjectURL(address);
}

function ImportReport({ answer }: { readonly answer: ImportAnswer }) {
  const { added, updated, existing, conflicts, rejected, problems } = answer;
  return (
    <>
      <p>
        {added} added, {updated} updated, {existing} already there, {conflicts} in conflict, {rejected}{' '}
        rejected.
      </p>
      <ul>
        {problems.slice(0, SHOWN_PROBLEMS).map(({ line, problem }) => (
          <li key={line}>
            Line {line}: {problem}
          </li>
        ))}
      </ul>
    </>
  );
}
