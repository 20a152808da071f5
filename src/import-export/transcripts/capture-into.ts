import type { CaptureReport, CaptureRequest } from '../../memory/conversations.ts';
import { projectOf, projectOfUrl } from '../../util/git-project.ts';
import type { ImportRequest } from '../run-import.ts';
import type { Conversation } from './conversation.ts';

export interface CaptureOptions {
  readonly dryRun?: boolean;
  /** False when the folders of the conversations are those of another machine. Default true. */
  readonly foldersAreHere?: boolean;
}

/** Stores the turns of an import through the memory service, each conversation with its project. */
export function captureInto(
  memory: { capture(request: CaptureRequest): Promise<CaptureReport> },
  { dryRun = false, foldersAreHere = true }: CaptureOptions = {},
): NonNullable<ImportRequest['capture']> {
  const projects = new Projects(foldersAreHere);
  return async ({ conversation, turns }) => {
    const { client, session, folder } = conversation;
    const project = await projects.of(conversation);
    return memory.capture({
      client,
      session,
      turns,
      dryRun,
      ...(project === undefined ? {} : { project }),
      ...(folder === undefined ? {} : { folder }),
    });
  };
}

/** Folders of which the project is remembered. */
const MAX_FOLDERS = 1_000;

/** The projects of conversations. A folder is looked at once, because many conversations share it. */
export class Projects {
  readonly #byFolder = new Map<string, Promise<string | null>>();
  readonly #foldersAreHere: boolean;

  constructor(foldersAreHere = true) {
    this.#foldersAreHere = foldersAreHere;
  }

  /** The project that the client names, else that of its repository, else that of its folder. */
  async of({ project, repository, folder }: Conversation): Promise<string | undefined> {
    const named = project ?? (repository === undefined ? null : projectOfUrl(repository));
    if (named !== null) return named;
    if (folder === undefined || !this.#foldersAreHere) return undefined;
    const known = this.#byFolder.get(folder);
    if (known !== undefined) return (await known) ?? undefined;
    if (this.#byFolder.size >= MAX_FOLDERS) this.#byFolder.clear();
    const found = projectOf(folder);
    this.#byFolder.set(folder, found);
    return (await found) ?? undefined;
  }
}
