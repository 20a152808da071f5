import { useState } from 'preact/hooks';
import {
  ApiError,
  explain,
  noteRefusal,
  pathIn,
  type ProblemAnswer,
  reportChange,
  type WorkOptions,
} from '../shared/api.ts';
import { authorization } from '../shared/credential.ts';
import { Problem } from '../shared/elements.tsx';
import { saveAnswer } from '../shared/save-answer.ts';
import { useToast } from '../shared/toast.tsx';
import type { ImportAnswer } from '../shared/types.ts';
import { useMayWrite } from '../shared/team.tsx';
import { spaceHere } from '../shared/view-address.ts';
import { count } from '../shared/words.ts';
import { useWork } from '../shared/work.tsx';

/** Export of all memories into a file, and import from a file. */
export function TransferView() {
  const [problem, setProblem] = useState('');
  const [answer, setAnswer] = useState<ImportAnswer | null>(null);
  const [exporting, setExporting] = useState(false);
  const { progress, start } = useWork();
  const toast = useToast();
  const mayWrite = useMayWrite();
  const exportAll = (): void => {
    setProblem('');
    setExporting(true);
    saveAnswer('/export', 'memories.jsonl')
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
        <p>Saves all memories in a text file (JSON lines), one in each line, with tags, sources and times.</p>
        <div class="actions">
          <button type="button" class="primary" disabled={exporting} onClick={exportAll}>
            Export memories
          </button>
        </div>
      </section>
      {mayWrite ? (
        <section class="card">
          <h2>Import</h2>
          <ImportForm busy={progress !== null} onFile={takeFile} />
          <div role="status">{answer === null ? null : <ImportReport answer={answer} />}</div>
        </section>
      ) : null}
    </>
  );
}

interface ImportFormProps {
  readonly busy: boolean;
  readonly onFile: (file: File, overwrite: boolean) => void;
}

/** Form for a file. The import begins when the file is chosen. */
function ImportForm({ busy, onFile }: ImportFormProps) {
  const [overwrite, setOverwrite] = useState(false);
  const take = (event: Event & { readonly currentTarget: HTMLInputElement }): void => {
    const input = event.currentTarget;
    const [file] = input.files ?? [];
    if (file !== undefined) onFile(file, overwrite);
    // Allows the user to choose the same file again after correcting it.
    input.value = '';
  };
  return (
    <>
      <p>
        Choose an export, the memories of another tool as JSON, or any file with a JSON object with a “text”
        in each line. You can import the same file again: no memory is added twice.
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={overwrite}
          onChange={(event) => {
            setOverwrite(event.currentTarget.checked);
          }}
        />
        Replace memories that have another version in the file
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

const SHOWN_PROBLEMS = 20;

/** The results of an import. */
function ImportReport({ answer }: { readonly answer: ImportAnswer }) {
  const { added, updated, existing, gained, conflicts, rejected, masked, warnings, problems, omitted } =
    answer;
  const hidden = conflicts + rejected - Math.min(problems.length, SHOWN_PROBLEMS);
  return (
    <>
      <p>
        <strong>
          {added} added, {updated} updated, {existing} already there, {conflicts} in conflict, {rejected}{' '}
          rejected.
        </strong>
      </p>
      {gained === 0 ? null : (
        <p class="hint">
          {count(gained, 'existing memory', 'existing memories')} got tags, a source or metadata from the
          file.
        </p>
      )}
      {conflicts === 0 ? null : (
        <p class="hint">
          Lines in conflict were not imported: the memories exist in another version or are in the trash.
        </p>
      )}
      {Object.entries(omitted).map(([reason, number]) => (
        <p class="hint" key={reason}>
          Left out: {reason} ({number.toLocaleString()})
        </p>
      ))}
      {masked === 0 ? null : (
        <p class="hint">Secrets were masked in {count(masked, 'memory', 'memories')}.</p>
      )}
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <ul class="problems">
        {problems.slice(0, SHOWN_PROBLEMS).map(({ line, place, problem }, index) => (
          <li key={index}>
            {line === undefined ? place : `Line ${line}`}: {problem}
          </li>
        ))}
      </ul>
      {problems.length > SHOWN_PROBLEMS && hidden > 0 ? (
        <p class="hint">and {hidden.toLocaleString()} more</p>
      ) : null}
    </>
  );
}

const KIBIBYTE = 1_024;

/** Sends a file with progress events, which `fetch` does not have. */
async function upload<Answer>(
  path: string,
  file: File,
  { signal, onProgress }: WorkOptions,
): Promise<Answer> {
  const [address, space] = [pathIn(path), spaceHere()];
  const token = await authorization();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', address);
    request.responseType = 'json';
    // The server looks at the content, whatever kind of text it is.
    const headers = { ...token, 'Content-Type': 'application/x-ndjson' };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      const [done, all] = [loaded, total].map((bytes) => Math.ceil(bytes / KIBIBYTE));
      onProgress({ step: 'importing, KiB', done: done ?? 0, total: all ?? 0 });
    };
    request.onload = () => {
      if (request.status >= 300) {
        const error = new ApiError(problemOf(request));
        noteRefusal(error, space);
        reject(error);
      } else {
        reportChange();
        // /openapi.json describes the answers.
        resolve(request.response as Answer);
      }
    };
    request.onerror = () => {
      // `fetch` rejects with the same type, which `explain` recognises.
      reject(new TypeError('the server cannot be reached'));
    };
    request.onabort = () => {
      reject(new DOMException('The upload was cancelled', 'AbortError'));
    };
    signal.addEventListener('abort', () => {
      request.abort();
    });
    request.send(file);
  });
}

function problemOf({ status, response }: XMLHttpRequest): ProblemAnswer {
  // The response is null when the answer was not JSON.
  const problem = response as ProblemAnswer | null;
  return problem ?? { status, code: 'UNKNOWN', detail: `The server answered with ${status}` };
}
