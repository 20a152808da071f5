import type { Settings } from '../config/schema.ts';
import type { MemoryApi, SearchRequest, SearchResponse } from '../memory/memory-api.ts';
import { packageVersion } from '../util/package.ts';
import { askServer } from './ask-server.ts';

/** The command line searches by itself when the server has not answered by then. */
const LIMIT_MS = 5_000;

interface Question {
  readonly rules: string;
  readonly request: SearchRequest;
}

/**
 * Has a search done by the process of the data folder that has the model and the vector index in memory. A short command
 * would load both for one search.
 * @returns undefined when no process can: it is of another version, has other settings or has not loaded its model yet
 */
export async function searchFromServer(
  settings: Settings,
  request: SearchRequest,
): Promise<SearchResponse | undefined> {
  // The audit log of a team has each call of a command, which the other process would take for its own.
  if (!settings.embedding.shared || settings.team.enabled) return undefined;
  const question: Question = { rules: rulesOf(settings), request };
  const answer = await askServer({
    dataDir: settings.dataDir,
    method: 'search',
    request: JSON.stringify(question),
    needsModel: request.mode !== 'keyword',
    limitMs: LIMIT_MS,
  });
  // It is of the same version, which the rules say.
  return answer === undefined || answer === '' ? undefined : (JSON.parse(answer) as SearchResponse);
}

/** The other side of `searchFromServer`. Rejects with the errors of the search, which the asking process meets again. */
export async function answerSearch(
  memory: Pick<MemoryApi, 'search'>,
  settings: Settings,
  asked: string,
): Promise<string> {
  const { rules, request } = JSON.parse(asked) as Partial<Question>;
  if (rules !== rulesOf(settings) || request === undefined) return '';
  return JSON.stringify(await memory.search(request));
}

/** What must be equal for the answer of one process to be that of another. */
function rulesOf({ store, space, database, timeZone, project, embedding }: Settings): string {
  const { provider, modelDirectory, tokenVectors, queryPrefix, passagePrefix } = embedding;
  return JSON.stringify([
    packageVersion(),
    [store, space, database.space],
    [timeZone, project],
    [provider, modelDirectory, tokenVectors, queryPrefix, passagePrefix],
  ]);
}
