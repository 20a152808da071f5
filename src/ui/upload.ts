import { ApiError, type ProblemAnswer } from './api-error.ts';
import type { WorkOptions } from './api.ts';
import { reportChange } from './changes.ts';
import { authorization, reportRefused } from './session.ts';

const KIBIBYTE = 1_024;

/** Sends a file, and tells how much of it the server has taken, which `fetch` cannot. */
export function upload<Answer>(
  path: string,
  file: File,
  { signal, onProgress }: WorkOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.responseType = 'json';
    const headers = { ...authorization(), 'Content-Type': 'application/x-ndjson' };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      const [done, all] = [loaded, total].map((bytes) => Math.ceil(bytes / KIBIBYTE));
      onProgress({ step: 'importing, KiB', done: done ?? 0, total: all ?? 0 });
    };
    request.onload = () => {
      if (request.status === 401) reportRefused();
      if (request.status >= 300) reject(new ApiError(problemOf(request)));
      else {
        reportChange();
        // The server describes its answers in /openapi.json.
        resolve(request.response as Answer);
      }
    };
    request.onerror = () => {
      // As `fetch` says it.
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
  // Null when the answer was no JSON.
  const problem = response as ProblemAnswer | null;
  return problem ?? { status, code: 'UNKNOWN', detail: `The server answered with ${status}` };
}
