import { useState } from 'preact/hooks';
import { explain } from '../api-error.ts';
import { ImportForm } from '../components/import-form.tsx';
import { ImportReport } from '../components/import-report.tsx';
import { Problem } from '../components/notice.tsx';
import { useToast } from '../components/toast.tsx';
import { useWork } from '../components/work-provider.tsx';
import { saveExport } from '../save-export.ts';
import type { ImportAnswer } from '../types.ts';
import { upload } from '../upload.ts';
import { count } from '../words.ts';

/** All memories into a file, and from a file. */
export function TransferView() {
  const [problem, setProblem] = useState('');
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const [exporting, setExporting] = useState(false);
  const { progress, start } = useWork();
  const toast = useToast();
  const exportAll = (): void => {
    setProblem('');
    setExporting(true);
    saveExport()
      .catch((error: unknown) => {
        setProblem(explain(error));
      })
      .finally(() => {
        setExporting(false);
      });
  };
  const takeFile = (file: File, overwrite: boolean): void => {
    setAnswer(null);
    start<ImportAnswer>({
      title: 'The import',
      perform: (options) => upload(overwrite ? '/import?overwrite=true' : '/import', file, options),
      onDone: (report) => {
        setAnswer(report);
        toast({ text: `${file.name}: ${count(report.added, 'memory', 'memories')} added.` });
      },
    });
  };
  return (
    <>
      <h1>Import &amp; export</h1>
      <Problem text={problem} />
      <section class="card">
        <h2>Export</h2>
        <p>All memories as a text file, one a line (JSON lines), with their tags, sources and times.</p>
        <div class="actions">
          <button type="button" class="primary" disabled={exporting} onClick={exportAll}>
            Export memories
          </button>
        </div>
      </section>
      <section class="card">
        <h2>Import</h2>
        <ImportForm busy={progress !== null} onFile={takeFile} />
        <div role="status">{answer === null ? null : <ImportReport answer={answer} />}</div>
      </section>
    </>
  );
}
