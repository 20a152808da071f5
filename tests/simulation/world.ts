import type { Keyring } from '../../src/backup/repository/keyring.ts';
import type { Repository } from '../../src/backup/repository/repository.ts';
import type { StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { FaissMemoryError } from '../../src/errors/faiss-memory-error.ts';
import type { Version } from '../../src/memory/version.ts';
import { InMemoryReplica } from '../helpers/in-memory-replica.ts';
import type { MemoryTable } from '../helpers/memory-table.ts';
import { idOf } from '../helpers/model-store.ts';
import { quickKeyring } from '../helpers/test-repository.ts';
import { STRANGER } from '../helpers/sync/hostile-snapshot.ts';
import { WriteHistory } from '../helpers/write-history.ts';
import { Adversary } from './adversary.ts';
import { BrokenPromise } from './broken-promise.ts';
import { BucketCheck, readerOf } from './bucket-check.ts';
import { Crash, FaultPlan, faultyStore, lateAnswers, PastHeads } from './faulty-store.ts';
import { RemovalCheck } from './removal-check.ts';
import { SeededRandom } from './seeded-random.ts';
import {
  EXPECTED,
  haveSeenMore,
  onlyIn,
  RETENTION,
  startProcess,
  statesOf,
  type DataFolder,
  type MachineProcess,
  type SimulatedMachine,
} from './simulated-machine.ts';
import { erosion } from './erosion.ts';
import { setBack } from './set-back.ts';
import { checkCounters, checkEnd, settle } from './settle.ts';
import { Turns } from './turns.ts';

const MEMORIES = 5;
const YEAR_MS = 365 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;
/** Keeps these dice apart from those of the seed. */
const UNSEEN = 11_000_003;
const ERODER = 9_000_011;
const SET_BACK = 15_000_017;

/** Machines, the bucket they share, and everything that may go wrong, from one seed. */
export class World {
  readonly trace: string[] = [];
  readonly #random: SeededRandom;
  readonly #faults: FaultPlan;
  readonly #turns: Turns;
  readonly #keyring: Keyring | null;
  readonly #bucket = new Map<string, StoredBlob>();
  readonly #machines: SimulatedMachine[] = [];
  readonly #history = new WriteHistory();
  /** What was decided for the next step, by machine. */
  readonly #planned = new Map<string, () => Promise<void>>();
  /** What successful pushes of this step have sent. */
  readonly #sent = new Map<SimulatedMachine, ReadonlySet<string>>();
  /** The ids that each data folder has had: what lies under them was its own. */
  readonly #ids = new Map<DataFolder, Set<string>>();
  readonly #bucketCheck = new BucketCheck({
    bucket: this.#bucket,
    repositoryOf: (machine) => this.#repositoryOf(machine),
    isForged: (key) => this.#adversary?.forged.has(key) === true,
  });
  /** Null = everybody is honest. It decides by its own dice, so that it changes nothing for the others. */
  readonly #adversary: Adversary | null;
  /** Dice for what the rolled-back folders cannot see, apart from those of the seed. */
  readonly #unseen: SeededRandom;
  readonly #past: PastHeads;
  readonly #isLate: () => boolean;
  #headsAreLost: boolean;
  /** Null = nobody removes by small steps. Decides by its own dice too. */
  readonly #eroder: SeededRandom | null;
  /** Null = no folder is set back with its head. */
  readonly #setsBack: SeededRandom | null;
  /** True after a folder was copied or set back. */
  #foldersDiffer = false;
  /** True after the store lost the head of a folder that was set back. */
  #headIsHidden = false;
  #time = Date.UTC(2026, 0, 1);
  #texts = 0;
  #broken: string | null = null;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#faults = new FaultPlan(seed);
    this.#turns = new Turns(this.#random);
    this.#keyring = this.#random.chance(0.1) ? quickKeyring() : null;
    this.#faults.rate = this.#random.pick([0, 0.02, 0.05, 0.15]);
    this.#adversary = this.#keyring === null ? Adversary.of(seed, this.#bucket) : null;
    this.#unseen = new SeededRandom(seed + UNSEEN);
    const others = new SeededRandom(seed + ERODER);
    this.#eroder = this.#adversary === null && others.chance(0.5) ? others : null;
    const accident = new SeededRandom(seed + SET_BACK);
    this.#setsBack = this.#adversary === null && accident.chance(0.3) ? accident : null;
    this.#headsAreLost = this.#adversary !== null;
    this.#isLate = lateAnswers(seed);
    this.#past = PastHeads.of(seed, () => this.#faults.rate > 0);
    const machines = 2 + this.#random.below(3);
    for (let number = 0; number < machines; number += 1) this.#add(null);
  }

  /** Several machines do something at the same time; then the promises are checked. */
  async step(): Promise<void> {
    this.#time += this.#random.pick([1_000, 60_000, HOUR_MS, 30 * HOUR_MS]);
    this.#faults.nextWork();
    const works = new Map(this.#planned);
    this.#planned.clear();
    for (const machine of this.#machines) {
      const name = String(machine.number);
      if (!works.has(name) && this.#random.chance(0.5)) works.set(name, this.#chooseWork(machine));
    }
    await this.#turns.runAll(works);
    await this.#noteSent();
    for (const machine of this.#machines) if (machine.process.dead) machine.process = this.#start(machine);
    await this.#checkBucket();
    checkCounters(this.#machines);
    if (this.#adversary !== null) {
      const ids = this.#machines.map(({ folder }) => folder.replica);
      this.trace.push(...(await this.#adversary.mayAttack(ids)));
    }
  }

  /** Machines remove many memories by small steps, while the others merge and nobody is asked. */
  async erode(): Promise<void> {
    if (this.#eroder === null) return;
    for (const { wait, author, name, change } of erosion(this.#eroder, this.#machines)) {
      this.#time += wait;
      await this.#round(author, name, () => {
        change((work) => {
          const before = author.folder.replica.table;
          work(author.folder.replica);
          this.#acknowledge(author, before);
        });
      });
    }
  }

  /** See `setBack`. */
  async setBack(): Promise<void> {
    // What decision 19 cannot tell apart is not played: an earlier copy or accident.
    if (this.#setsBack === null || this.#foldersDiffer) return;
    const { rate } = this.#faults;
    this.#faults.rate = 0;
    const author = this.#setsBack.pick(this.#machines);
    await setBack({
      author,
      machines: this.#machines,
      bucket: this.#bucket,
      history: this.#history,
      writeAndPush: (name) =>
        this.#round(author, name, () => {
          this.#write(author);
        }),
      restart: () => this.#start(author),
    });
    this.trace.push(`${author.number} was set back with its head`);
    this.#faults.rate = rate;
  }

  /** One machine changes something and pushes it; the others pull at the same time, and once more. */
  async #round(author: SimulatedMachine, name: string, change: () => void): Promise<void> {
    this.#faults.nextWork();
    for (const pulls of [1, 2]) {
      const works = this.#machines.map((machine): [string, () => Promise<void>] => {
        const own = machine === author && pulls === 1;
        const work = own
          ? this.#named(machine, name, async () => {
              change();
              await this.#push(machine);
            })
          : this.#named(machine, 'pull', () => this.#pull(machine));
        return [String(machine.number), work];
      });
      await this.#turns.runAll(new Map(works));
      await this.#noteSent();
      for (const machine of this.#machines) if (machine.process.dead) machine.process = this.#start(machine);
    }
    await this.#checkBucket();
  }

  /** A merge that nobody is asked about. */
  async #pull({ process, folder, removals, clockOffset }: SimulatedMachine): Promise<void> {
    const before = folder.replica.table;
    try {
      await process.sync.pull();
    } finally {
      removals.note(before, folder.replica.table, this.#time + clockOffset);
    }
  }

  /** No more faults: everybody pushes and pulls until nobody learns anything new. */
  async settle(): Promise<void> {
    this.#faults.rate = 0;
    if (this.#adversary !== null) await this.#forgetStranger();
    await settle({ machines: this.#machines, trace: this.trace, isHonest: this.#adversary === null });
    await this.#checkBucket();
    checkCounters(this.#machines);
    // What an adversary made some believe, others may refuse; that everybody can still write and push was shown.
    if (this.#adversary?.onlyDestroys !== false) checkEnd(this.#machines, this.#history);
  }

  async #forgetStranger(): Promise<void> {
    const [first] = this.#machines;
    const isThere = [...this.#bucket.keys()].some((key) => key.startsWith(`v1/${STRANGER}/`));
    if (!isThere || first === undefined) return;
    await this.#repositoryOf(first.folder.replica.machine).forgetMachine(STRANGER, null);
  }

  #add(original: SimulatedMachine | null): void {
    const number = this.#machines.length;
    const folder =
      original === null
        ? { replica: this.#newReplica(number), objects: new Map<string, StoredBlob>() }
        : { replica: original.folder.replica.clone(), objects: new Map(original.folder.objects) };
    // A copy has the notes of its origin too, with the ids that were given up before.
    if (original !== null) this.#ids.set(folder, new Set(this.#idsOf(original.folder)));
    const machine = { number, folder, clockOffset: 0, copy: null, removals: new RemovalCheck() };
    this.#machines.push(Object.assign(machine, { process: this.#start(machine) }));
  }

  #newReplica(number: number): InMemoryReplica {
    // Every write has a time of its own, by which the history knows it.
    const now = (): number => (this.#time += 1) + (this.#machines[number]?.clockOffset ?? 0);
    return new InMemoryReplica({ now, random: (size) => this.#random.bytes(size) });
  }

  #start(machine: Omit<SimulatedMachine, 'process'>): MachineProcess {
    const { number, folder } = machine;
    const isOwn = (key: string): boolean => key.startsWith(`v1/${folder.replica.machine}/`);
    return startProcess({
      folder,
      keyring: this.#keyring,
      random: this.#random,
      now: () => this.#time + machine.clockOffset,
      openStore: (place, process) =>
        faultyStore({
          objects: place === 'local' ? folder.objects : this.#bucket,
          now: () => this.#time,
          turn: () => this.#turns.next(String(number)),
          fault: (call) => {
            this.#idsOf(folder);
            return this.#faults.draw(number, place, call);
          },
          ...(place === 'remote' ? { past: { heads: this.#past, isOwn } } : {}),
          isLate: this.#isLate,
          isDead: () => process.dead,
          crash: () => {
            process.dead = true;
          },
          onChange: (operation, key) => {
            if (place !== 'remote') return;
            this.#adversary?.forged.delete(key);
            this.#checkOwner(folder, operation, key);
          },
        }),
    });
  }

  #chooseWork(machine: SimulatedMachine): () => Promise<void> {
    const number = this.#random.next();
    const { process } = machine;
    if (number < 0.34)
      return this.#named(machine, 'write', () => {
        this.#write(machine);
      });
    if (number < 0.4) return this.#named(machine, 'back up', () => process.backup.backup({ kind: 'auto' }));
    if (number < 0.62) return this.#named(machine, 'push', () => this.#push(machine));
    if (number < 0.8) return this.#named(machine, 'pull', () => this.#pull(machine));
    if (number < 0.87) return this.#named(machine, 'prune', () => process.sync.prune({ policy: RETENTION }));
    if (number < 0.91) return this.#named(machine, 'restore', () => this.#restore(machine));
    if (number < 0.94)
      return this.#named(machine, 'clone', () => {
        this.#clone(machine);
      });
    if (number < 0.97)
      return this.#named(machine, 'roll back', () => {
        this.#rollBack(machine);
      });
    const offset = this.#random.pick([-YEAR_MS, 0, YEAR_MS]);
    return this.#named(machine, 'set the clock', () => {
      machine.clockOffset = offset;
    });
  }

  /** Faults end the work; everything else that is raised is a finding. */
  #named(machine: SimulatedMachine, name: string, work: () => unknown): () => Promise<void> {
    return async () => {
      const entry = `${machine.number} ${name}`;
      try {
        await work();
        this.trace.push(entry);
      } catch (error) {
        this.trace.push(`${entry}: ${error instanceof Error ? error.message : String(error)}`);
        if (error instanceof Crash || machine.process.dead) return;
        if (error instanceof FaissMemoryError && EXPECTED.has(error.code)) return;
        this.#broken ??= `${entry} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      }
    };
  }

  #write(machine: SimulatedMachine): void {
    const { replica } = machine.folder;
    const count = 1 + this.#random.below(3);
    for (let index = 0; index < count; index += 1) {
      const before = replica.table;
      const id = idOf(this.#random.below(MEMORIES));
      const number = this.#random.next();
      this.#texts += 1;
      if (number < 0.7) replica.write(id, `text ${this.#texts}`);
      else if (number < 0.82) replica.delete(id);
      else if (number < 0.88) replica.restore(id);
      else if (number < 0.94) replica.purge(id);
      else replica.strip();
      this.#acknowledge(machine, before);
    }
  }

  /** @param merged what came in before the write and was known to it, by memory */
  #acknowledge(
    { folder, copy }: SimulatedMachine,
    before: MemoryTable,
    merged: ReadonlyMap<string, readonly Version[]> = new Map(),
  ): void {
    const after = folder.replica.table;
    for (const id of after.ids()) {
      if (after.siblings(id) === before.siblings(id)) continue;
      const known = [...before.siblings(id), ...(merged.get(id) ?? [])];
      this.#history.acknowledge(id, known, after.siblings(id));
      for (const { updatedAt } of after.siblings(id))
        copy?.atRisk.set(`${id} ${updatedAt}`, { id, updatedAt });
    }
  }

  async #push(machine: SimulatedMachine): Promise<void> {
    const sent = new Set(machine.copy?.atRisk.keys());
    await machine.process.sync.push();
    this.#sent.set(machine, sent);
  }

  /**
   * What was pushed is safe when the folder is rolled back. Of two copies that push at the same moment one replaces
   * the head of the other, who notices at its next push: until then its writes are in its folder only.
   */
  async #noteSent(): Promise<void> {
    for (const [{ folder, copy }, sent] of this.#sent) {
      const { machine } = folder.replica;
      const { machines } = await this.#repositoryOf(machine).listSnapshots();
      const head = machines.find((report) => report.machine === machine)?.head?.head;
      const own = head !== undefined && (await folder.replica.findAttempt('remote', head.commitId)) !== null;
      if (own) for (const name of sent) copy?.atRisk.delete(name);
    }
    this.#sent.clear();
  }

  async #restore(machine: SimulatedMachine): Promise<void> {
    const { process, folder } = machine;
    const snapshots = await process.sync.snapshots();
    if (snapshots.length === 0) return;
    const { machine: owner, id } = this.#random.pick(snapshots);
    const request = { mode: 'replace', snapshot: `${owner}/${id}` } as const;
    const dryRun = await process.sync.restore({ ...request, dryRun: true });
    if (dryRun.confirm === undefined) return;
    const merged = await statesOf(this.#repositoryOf(owner), owner, id);
    const before = folder.replica.table;
    try {
      await process.sync.restore({ ...request, confirm: dryRun.confirm });
    } finally {
      this.#acknowledge(machine, before, merged);
    }
  }

  #repositoryOf(machine: string): Repository {
    return readerOf(this.#bucket, this.#keyring, machine);
  }

  #clone(machine: SimulatedMachine): void {
    if (this.#machines.length >= 6 || this.#headIsHidden) return;
    this.#foldersDiffer = true;
    this.#add(machine);
    const copy = this.#machines.at(-1);
    if (copy === undefined || this.#random.chance(0.5)) return;
    // Two that believe to be the same machine, at the worst moment.
    this.#planned.set(
      String(copy.number),
      this.#named(copy, 'write and push', async () => {
        this.#write(copy);
        await this.#push(copy);
      }),
    );
    this.#planned.set(
      String(machine.number),
      this.#named(machine, 'prune a little later', async () => {
        for (let turn = this.#random.below(60); turn > 0; turn -= 1)
          await this.#turns.next(String(machine.number));
        await machine.process.sync.prune({ policy: RETENTION });
      }),
    );
  }

  /** The first time the folder is copied, the second time the copy is put back. */
  #rollBack(machine: SimulatedMachine): void {
    const { folder, copy } = machine;
    if (copy === null) {
      const replica = folder.replica.clone();
      machine.copy = { folder: { replica, objects: new Map(folder.objects) }, atRisk: new Map() };
      return;
    }
    if (this.#headIsHidden) return;
    for (const { id, updatedAt } of copy.atRisk.values()) this.#history.excuse(id, updatedAt);
    const { table, machine: id } = folder.replica;
    folder.replica.rollBackTo(copy.folder.replica);
    folder.objects.clear();
    for (const [key, blob] of copy.folder.objects) folder.objects.set(key, blob);
    machine.copy = null;
    machine.removals.forget();
    machine.process.dead = true;
    // What decision 19 cannot tell apart is not played: two such accidents at once, and a machine that saw nothing newer.
    const others = this.#machines.filter((other) => other !== machine);
    const isNoticed = !this.#foldersDiffer && haveSeenMore(others, id, copy.folder.replica.table);
    if (this.#unseen.chance(0.5) && isNoticed) this.#hideHead(machine, id);
    this.#foldersDiffer = true;
    // Once the bucket has lost something, a rolled-back folder may have been the last place of what it had merged.
    const tables = this.#machines.map(({ folder: other }) => other.replica.table);
    const gone = this.#headsAreLost ? onlyIn(table, tables) : [];
    for (const { id: memory, updatedAt } of gone) this.#history.excuse(memory, updatedAt);
  }

  /** The store loses the one object that shows the rolled-back folder what it has done since. */
  #hideHead(machine: SimulatedMachine, id: string): void {
    this.trace.push(`the head of ${id} is lost`);
    this.#bucket.delete(`v1/${id}/head`);
    this.#headsAreLost = true;
    this.#headIsHidden = true;
    const name = String(machine.number);
    if (this.#planned.has(name)) return;
    this.#planned.set(
      name,
      this.#named(machine, 'write and push after it was rolled back', async () => {
        for (let count = this.#unseen.below(3); count >= 0; count -= 1) this.#write(machine);
        await this.#push(machine);
      }),
    );
  }

  /** No machine writes or deletes another machine's objects. */
  #checkOwner(folder: DataFolder, operation: string, key: string): void {
    if (this.#idsOf(folder).has(key.split('/')[1] ?? '')) return;
    this.#broken ??= `machine ${folder.replica.machine} made ${operation} ${key}`;
  }

  #idsOf(folder: DataFolder): Set<string> {
    const ids = this.#ids.get(folder) ?? new Set();
    this.#ids.set(folder, ids.add(folder.replica.machine));
    return ids;
  }

  async #checkBucket(): Promise<void> {
    if (this.#broken !== null) throw new BrokenPromise(this.#broken);
    await this.#bucketCheck.run();
  }
}
