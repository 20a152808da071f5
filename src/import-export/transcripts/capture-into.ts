import type { CaptureReport, CaptureRequest } from '../../memory/conversations.ts';
import { projectOf, projectOfUrl } from '../../util/git-project.ts';
import type { ImportRequest } from '../run-import.ts';
import type { Conversation } from './conversation.ts';

export interface CaptureOptions {
  readonly dryRun?: boolean;
  /** False when the folders of the conversations are those of another machine. Default true. */
  readonly foldersAreHere?: boolean;
  /** A package inside a repository is a project of its own, as `projectOf` tells. Default false. */
  readonly packages?: boolean;
}

/** Stores the turns of an import through the memory service, each conversation with its project. */
export function captureInto(
  memory: { capture(request: CaptureRequest): Promise<CaptureReport> },
  { dryRun = false, foldersAreHere = true, packages = false }: CaptureOptions = {},
): NonNullable<ImportRequest['capture']> {
  const projects = new Projects(foldersAreHere, packages);
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
  readonly #packages: boolean;

  constructor(foldersAreHere = true, packages = false) {
    this.#foldersAreHere = foldersAreHere;
    this.#packages = packages;
  }

  /** The project that the client names, else that of its repository or of a package in it, else that of its folder. */
  async of({ project, repository, folder }: Conversation): Promise<string | undefined> {
    const remote = repository === undefined ? null : projectOfUrl(repository);
    if (project !== undefined) return project;
    if (remote === null) return this.#ofFolder(folder);
    const inside = this.#packages ? await this.#ofFolder(folder) : undefined;
    return inside?.startsWith(`${remote}/`) === true ? inside : remote;
  }

  async #ofFolder(folder: string | undefined): Promise<string | undefined> {
    if (folder === undefined || !this.#foldersAreHere) return undefined;
    const known = this.#byFolder.get(folder);
    if (known !== undefined) return (await known) ?? undefined;
    if (this.#byFolder.size >= MAX_FOLDERS) this.#byFolder.clear();
    const found = projectOf(folder, { packages: this.#packages });
    this.#byFolder.set(folder, found);
    return (await found) ?? undefined;
  }
}
