import type { ReplicaStore } from '../../store/replica-store.ts';
import type { VerifyLevel, VerifyRequest, VerifyResult, WorkOptions } from '../backup-api.ts';
import { digestsDiffer } from '../format/digest-sums.ts';
import type { RepositorySnapshot } from './list-snapshots.ts';
import type { Repository } from './repository.ts';
import { manifestKey } from '../format/names.ts';
import { stageSnapshot } from '../restore/stage-snapshot.ts';
import type { VerifyProblem, VerifyReport } from './verify.ts';
import { codeOf } from '../../util/caught.ts';

export interface VerifyParts {
  readonly repository: Repository;
  /** The machine whose objects are checked when the request names no snapshot. */
  readonly machine: string;
  /** Stores the note about the last check. */
  readonly replica: ReplicaStore;
  /** Opens an empty temporary store for the drill. Closing it deletes it. */
  readonly createScratch: () => Promise<ScratchStore>;
  /** Writes this machine's damaged objects again from sound data. @param keys keys of the damaged objects */
  readonly heal: (keys: ReadonlySet<string>) => Promise<void>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface ScratchStore {
  readonly replica: ReplicaStore;
  close(): Promise<void>;
}

const LEVELS: readonly VerifyLevel[] = ['sizes', 'hashes', 'content', 'drill'];

/**
 * Checks a repository up to a level. When `heal` is set and this machine's own objects are damaged, it repairs them
 * and checks again.
 * @throws the errors of reading the repository, except damage, which is reported
 */
export async function verifyRepository(
  parts: VerifyParts,
  request: VerifyRequest = {},
  options: WorkOptions = {},
): Promise<VerifyResult> {
  const { level = 'hashes', heal = true } = request;
  const target =
    request.snapshot === undefined ? null : await parts.repository.findSnapshot(request.snapshot, options);
  const first = await check(parts, { level, target }, options);
  const own = target === null || target.machine === parts.machine;
  if (first.problems.length === 0 || !heal || !own) return toResult(level, first, false);
  await parts.heal(new Set(first.problems.map(({ key }) => key)));
  const again = await check(parts, { level, target }, options);
  if (again.problems.length === 0) return { ...toResult(level, first, true), checked: again.checked.length };
  return toResult(level, again, false);
}

function toResult(level: VerifyLevel, { problems, checked }: VerifyReport, healed: boolean): VerifyResult {
  return { level, checked: checked.length, problems, healed };
}

interface CheckRequest {
  readonly level: VerifyLevel;
  readonly target: RepositorySnapshot | null;
}

async function check(
  parts: VerifyParts,
  { level, target }: CheckRequest,
  options: WorkOptions,
): Promise<VerifyReport> {
  const { repository } = parts;
  const machine = target?.machine ?? parts.machine;
  const height = LEVELS.indexOf(level);
  const reports: VerifyReport[] = [];
  const step = async (name: VerifyLevel, run: () => Promise<VerifyReport>): Promise<void> => {
    if (LEVELS.indexOf(name) > height) return;
    options.signal?.throwIfAborted();
    options.onProgress?.({ step: `checking ${name}`, done: reports.length, total: height + 1 });
    reports.push(await run());
  };
  await step('sizes', () => repository.verifySizes(machine, options));
  await step('hashes', () => checkHashes(parts, machine, options));
  const snapshot = target ?? (height < 2 ? null : await newestOf(repository, machine, options));
  if (snapshot !== null) {
    await step('content', () => checkContent(repository, snapshot, options));
    await step('drill', () => drill(parts, snapshot, options));
  }
  const problems = new Map(reports.flatMap((report) => report.problems).map((found) => [found.key, found]));
  const checked = new Set(reports.flatMap((report) => report.checked));
  for (const key of problems.keys()) checked.delete(key);
  return { problems: [...problems.values()], checked: [...checked] };
}

async function newestOf(
  repository: Repository,
  machine: string,
  options: WorkOptions,
): Promise<RepositorySnapshot | null> {
  const { snapshots } = await repository.listSnapshots(options);
  return snapshots.filter((snapshot) => snapshot.machine === machine).at(-1) ?? null;
}

/** Reads every object, and stores the time and the result in a note. */
async function checkHashes(
  { repository, replica, now }: VerifyParts,
  machine: string,
  options: WorkOptions,
): Promise<VerifyReport> {
  const all = { maxBytes: Infinity, lastChecked: new Map() };
  const report = await repository.verifyHashes(machine, all, options);
  await replica.writeNote(`verified:${repository.repositoryId}:${machine}`, {
    at: now(),
    objects: report.checked.length,
    problems: report.problems.length,
  });
  return report;
}

async function checkContent(
  repository: Repository,
  snapshot: RepositorySnapshot,
  options: WorkOptions,
): Promise<VerifyReport> {
  const key = manifestKey(snapshot.machine, snapshot.snapshotId);
  return reportDamage(key, async () =>
    repository.verifyContent(await repository.readManifest(snapshot), options),
  );
}

/** Restores into a temporary store and compares its digests with the manifest. */
async function drill(
  { repository, createScratch }: VerifyParts,
  snapshot: RepositorySnapshot,
  options: WorkOptions,
): Promise<VerifyReport> {
  const key = manifestKey(snapshot.machine, snapshot.snapshotId);
  const scratch = await createScratch();
  try {
    return await reportDamage(key, async () => {
      const { replica } = scratch;
      const staged = await stageSnapshot({ replica, repository, snapshot, onlyNew: false, ...options });
      await staged.states.merge({ clock: staged.manifest.clock, complete: true });
      await staged.states.close();
      const problem = digestsDiffer(await replica.identity(), staged.manifest);
      return problem
        ? {
            problems: [{ key, problem: 'A store that was restored from it does not match its digests.' }],
            checked: [],
          }
        : { problems: [], checked: [key] };
    });
  } finally {
    await scratch.close();
  }
}

/** Turns damage into a problem of the report. Other errors, such as a failure of the store, are thrown. */
async function reportDamage(key: string, run: () => Promise<VerifyReport>): Promise<VerifyReport> {
  try {
    return await run();
  } catch (error) {
    const problem = damageIn(error);
    if (problem === null) throw error;
    return { problems: [{ key, problem } satisfies VerifyProblem], checked: [] };
  }
}

function damageIn(error: unknown): string | null {
  const code = codeOf(error);
  if (code !== 'REPOSITORY_DAMAGED' && code !== 'OBJECT_MISSING') return null;
  return error instanceof Error ? `${error.message}.` : null;
}
