import { useState } from 'preact/hooks';
import { send } from '../api.ts';
import { explain } from '../api-error.ts';
import { reportChange } from '../changes.ts';
import { ImportForm } from '../components/import-form.tsx';
import { ImportReport } from '../components/import-report.tsx';
import { Problem } from '../components/notice.tsx';
import { saveExport } from '../save-export.ts';
import type { ImportAnswer } from '../types.ts';

/** All memories into a file, and from a file. */
export function TransferView() {
  const [problem, setProblem] = useState('');
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const [busy, setBusy] = useState(false);
  const run = (work: Promise<void>): void => {
    setProblem('');
    setAnswer(null);
    setBusy(true);
    work
      .catch((error: unknown) => {
        setProblem(explain(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  const takeFile = async (file: File, overwrite: boolean): Promise<void> => {
    const headers = { 'Content-Type': 'application/x-ndjson' };
    const path = overwrite ? '/import?overwrite=true' : '/import';
    const response = await send(path, { method: 'POST', body: file, headers });
    setAnswer((await response.json()) as ImportAnswer);
    reportChange();
  };
  return (
    <>
      <h1>Import &amp; export</h1>
      <Problem text={problem} />
      <section class="card">
        <h2>Export</h2>
        <p>All memories as a text file, one a line (JSON lines), with their tags, sources and times.</p>
        <div class="actions">
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
      </section>
      <section class="card">
        <h2>Import</h2>
        <ImportForm
          busy={busy}
          onFile={(file, overwrite) => {
            run(takeFile(file, overwrite));
          }}
        />
        <div role="status">
          {busy ? <p class="hint">Working…</p> : null}
          {answer === null ? null : <ImportReport answer={answer} />}
        </div>
      </section>
    </>
  );
}
