/** A promise to the user about data, and the tests that hold it. */
export interface Promised {
  readonly promise: string;
  /** File below tests/, and the title of a test in it. */
  readonly tests: readonly (readonly [file: string, title: string])[];
}

const DESCRIBED_SEEDS = [
  'simulation/describe-seeds.ts',
  'lose no write, list only whole snapshots, touch only their own objects, and end equal',
] as const;
const CONVERGENCE = [
  'unit/sync/convergence.test.ts',
  'end equal and lose no write when data folders are copied and rolled back meanwhile',
] as const;

/** In the words of docs/sync.md. */
export const PROMISES: readonly Promised[] = [
  {
    promise:
      'A memory that was acknowledged is never lost: not by a crash, a second process, a full disk, a sync, a merge or a restore.',
    tests: [
      DESCRIBED_SEEDS,
      CONVERGENCE,
      [
        'e2e/sync-kill.long.test.ts',
        'of a pull changes nothing or all of it; the next one leaves both machines equal',
      ],
      ['e2e/sync-killed-servers.long.test.ts', 'lose no write and are equal within a minute: %s'],
      [
        'e2e/sync-copies.long.test.ts',
        'push at the same time, while others add, and nothing is lost or half listed',
      ],
      [
        'e2e/sync-copies.long.test.ts',
        'stops a backup with a clear error; the memories stay, and the next backup works',
      ],
    ],
  },
  {
    promise:
      'Sync needs only PUT, GET, LIST and DELETE that show what was written before: no conditional write, no lock object, no clock agreement.',
    tests: [
      DESCRIBED_SEEDS,
      ['unit/sync/regressions.test.ts', '"latest" chosen by time: the clock of the machine went back a year'],
      ['e2e/cli-sync.long.test.ts', 'two machines meet at one remote'],
    ],
  },
  {
    promise: "No machine ever writes or deletes another machine's objects.",
    tests: [
      DESCRIBED_SEEDS,
      ['unit/sync/regressions.test.ts', 'one machine writing or deleting what belongs to another'],
    ],
  },
  {
    promise: 'A snapshot is listed only when it is complete and its upload was verified.',
    tests: [
      DESCRIBED_SEEDS,
      [
        'unit/sync/regressions.test.ts',
        'half-uploaded snapshots listed: the connection breaks at each write in turn',
      ],
      [
        'integration/sync-faults.long.test.ts',
        'leaves a push complete or failed cleanly, never half listed, and the next one works',
      ],
    ],
  },
  {
    promise:
      'Restore checks everything before it changes anything, changes everything in one transaction, and can be undone.',
    tests: [
      [
        'e2e/sync-kill.long.test.ts',
        'of a restore changes nothing or all of it, and can be undone in both cases',
      ],
      [
        'unit/backup/snapshot-restorer.test.ts',
        'brings back what users saw, and undo brings back what was replaced',
      ],
      [
        'integration/sync-faults.long.test.ts',
        'leaves a pull exact or without any effect, and the next one works',
      ],
    ],
  },
  {
    promise:
      'Nothing local is replaced without an explicit confirmation. The only automatic restore is into an empty store.',
    tests: [
      ['e2e/sync-machines.long.test.ts', 'restore nothing without consent, or with that for another state'],
      ['unit/sync/empty-start.test.ts', 'a store with memories takes nothing by itself'],
      ['unit/sync/sync-service.test.ts', 'holds back a merge that removes much, until it is confirmed'],
      [
        'unit/sync/sync-service.test.ts',
        'holds back removal by small steps of several machines, and tells what was removed before',
      ],
      [
        'integration/hidden-memories.test.ts',
        'comes back with its content on every machine, also on the one that erased it',
      ],
    ],
  },
  {
    promise:
      'Machines that exchange snapshots in any order, any number of times, end in the same state, proven by one digest.',
    tests: [
      CONVERGENCE,
      DESCRIBED_SEEDS,
      [
        'e2e/sync-machines.long.test.ts',
        'share memories: an empty one fills itself, and edits on both sides meet',
      ],
      ['e2e/sync-killed-servers.long.test.ts', 'lose no write and are equal within a minute: %s'],
    ],
  },
  {
    promise: 'One added memory in a store of any size uploads a few KiB. No change uploads nothing.',
    tests: [
      ['unit/sync/regressions.test.ts', 'small changes never uploaded: one memory more among a thousand'],
      ['unit/sync/sync-service.test.ts', 'writes nothing when nothing changed'],
    ],
  },
  {
    promise: 'With a passphrase set, the provider sees ciphertext, object sizes and times, and nothing else.',
    tests: [
      [
        'e2e/sync-secrecy.test.ts',
        'no object of the bucket, name or content, shows anything of the memories, the machine or the settings',
      ],
      ['e2e/sync-secrecy.test.ts', 'no log does, at the level debug'],
    ],
  },
  {
    promise: 'Every status was observed, with the time it was observed.',
    tests: [
      ['unit/sync/regressions.test.ts', 'success reported while the store was down'],
      [
        'unit/sync/regressions.test.ts',
        'success reported although the store accepted the bytes and did not keep them',
      ],
      ['unit/sync/status.test.ts', 'comes with its time'],
    ],
  },
];

/** What docs/security.md says that a hostile bucket can and cannot do. */
export const HOSTILE_BUCKET: readonly Promised[] = [
  {
    promise:
      'can: delete or damage backups, without a passphrase also unreported; your memories stay, and the next push writes the backups again',
    tests: [
      [
        'unit/sync/torn-head.test.ts',
        'is written again by the push that its message advises, under the same id',
      ],
      ['integration/sync-hostile-remote.long.test.ts', 'takes nothing from any machine, and is filled again'],
    ],
  },
  {
    promise: 'can: put old backups back; nothing is undone, and no machine is added',
    tests: [
      ['unit/sync/torn-head.test.ts', 'old heads that are put back again and again add no machine'],
      [
        'integration/sync-hostile-remote.long.test.ts',
        'undoes nothing, is reported, and is put right by its owner',
      ],
    ],
  },
  {
    promise:
      'can: hide the newer backups of a machine for as long as it likes; a machine that was set back meanwhile takes a new id once it sees the others again',
    tests: [
      [
        'unit/sync/rolled-back.test.ts',
        'as many new writes as were undone, and %i more, end in a new id and one state',
      ],
    ],
  },
  {
    promise:
      'can: make a machine take a new id, by unknown bytes or, without a passphrase, by an invented list; no memory changes',
    tests: [
      ['unit/sync/torn-head.test.ts', 'ends in a new id, and the old one leaves the remote'],
      [
        'unit/sync/hostile-claims.test.ts',
        'an invented commit under the own id ends in one new id, once, and changes no memory',
      ],
    ],
  },
  {
    promise:
      'can: without a passphrase: keep later writes of a machine out, while its backups are gone; status then names the repair',
    tests: [
      [
        'unit/sync/hostile-claims.test.ts',
        'a claim about a machine whose backups are gone is believed, and taken back by a repair once they are there',
      ],
    ],
  },
  {
    promise:
      'can: without a passphrase: add memories, and replace the version that is shown, on machines that merge',
    tests: [
      [
        'unit/sync/hostile-claims.test.ts',
        'a stranger can replace the shown version of a memory in an unencrypted bucket',
      ],
    ],
  },
  {
    promise: 'cannot: make a merge remove more than 20 memories and 30 % of them, unless you confirm it',
    tests: [
      ['unit/sync/sync-service.test.ts', 'holds back a merge that removes much, until it is confirmed'],
    ],
  },
  {
    promise: 'cannot: make a machine believe that it wrote more than it did',
    tests: [['unit/sync/hostile-claims.test.ts', 'claims %i more writes of this machine than it made']],
  },
  {
    promise: 'cannot: make a machine skip later writes of another one, whose backups it can read',
    tests: [
      ['unit/sync/hostile-claims.test.ts', 'claims more writes of a third machine than that has published'],
    ],
  },
  {
    promise: 'cannot: keep a machine from writing, backing up and pushing',
    tests: [
      [
        'simulation/describe-seeds.ts',
        'lose no write, list only whole snapshots, touch only their own objects, and end equal',
      ],
    ],
  },
  {
    promise: 'cannot: hide how a machine stands to others whose backups it can read, by damaging its own',
    tests: [['unit/sync/torn-head.test.ts', 'does not hide how this machine stands to the others']],
  },
  {
    promise:
      'cannot: with a passphrase: make, change or move a part of a snapshot, or put a plain one in its place',
    tests: [
      [
        'unit/backup/encrypted-repository.test.ts',
        'a plain head where an encrypted one was is refused, for reading and for writing',
      ],
      ['unit/backup/damage.test.ts', 'any flipped bit of any object gives the exact result or a clean error'],
      ['unit/backup/damage.test.ts', 'a deleted object, or one in the place of another, is a clean error'],
    ],
  },
];
