/** The answers of the API, as far as the page uses them. Empty fields are absent. */

export interface Memory {
  readonly id: string;
  readonly text: string;
  readonly tags?: readonly string[];
  readonly source?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly created: string;
  readonly updated?: string;
  /** `deleted`: in the trash. `stripped`: erased after its time in the trash. `purged`: erased by the user. */
  readonly state?: 'deleted' | 'stripped' | 'purged';
  readonly conflict?: boolean;
  /** The machine that erased it. This machine keeps the content for a while, since `hidden`. */
  readonly erased_by?: string;
  readonly hidden?: string;
  /** Id of a newer memory that replaces this one. */
  readonly superseded_by?: string;
}

export interface Version {
  readonly role: 'sibling' | 'replaced';
  readonly state?: string;
  readonly text: string;
  readonly tags?: readonly string[];
  readonly source?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly updated: string;
}

export interface MemoryWithVersions extends Memory {
  readonly versions?: readonly Version[];
}

export interface Hit {
  readonly id: string;
  readonly text: string;
  readonly truncated?: boolean;
  readonly similarity?: number;
  readonly word_rank?: number;
  readonly vector_rank?: number;
  readonly by_neighbours?: boolean;
  readonly by_single_words?: boolean;
  readonly words?: readonly string[];
  readonly tags?: readonly string[];
  readonly source?: string;
  readonly created: string;
  /** Present for a turn of a conversation, with its role, client and session. */
  readonly kind?: 'conversation';
  readonly role?: string;
  readonly client?: string;
  readonly session?: string;
  readonly project?: string;
  readonly other_project?: boolean;
  readonly occurred_at?: string;
  readonly in_period?: boolean;
  /** Id; present when several spaces were searched. */
  readonly space?: string;
  readonly superseded_by?: string;
}

export interface ConversationSummary {
  readonly session: string;
  readonly client?: string;
  readonly turns: number;
  readonly first: string;
  readonly last: string;
  readonly project?: string;
  readonly beginning?: string;
}

export interface ConversationList {
  readonly conversations: readonly ConversationSummary[];
  readonly total: number;
}

/** The effect of a deletion, done or planned; a planned one comes with the token that confirms it. */
export interface DeletePlan {
  readonly dry_run: boolean;
  readonly count: number;
  readonly confirm?: string;
}

export interface SearchAnswer {
  readonly hits: readonly Hit[];
  readonly note?: string;
  /** The period that the query names. */
  readonly period?: { readonly words: string };
  /** The hits are by words only, for a moment. */
  readonly model_loading?: boolean;
}

export interface Page {
  readonly memories: readonly Memory[];
  readonly total: number;
  readonly next_cursor?: string;
}

export interface Stats {
  readonly live: number;
  readonly trash: number;
  /** Memories that another machine erased and that can be restored here. */
  readonly hidden?: number;
  readonly conflicts: number;
  readonly tags: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, number>>;
  readonly embedding: {
    readonly ready: boolean;
    readonly pending: number;
    readonly done: number;
    readonly total: number;
    readonly seconds_left?: number;
    readonly problem?: string;
  };
}

export interface Snapshot {
  readonly name: string;
  readonly created: string;
  readonly memories: number;
  readonly bytes: number;
  readonly machine: string;
  readonly own?: boolean;
  readonly kind: string;
  readonly pinned?: boolean;
  readonly encrypted?: boolean;
}

export interface MachineState {
  readonly machine: string;
  readonly own?: boolean;
  readonly snapshots: number;
  readonly newest?: string;
  readonly memories?: number;
  readonly included?: boolean;
  readonly rolled_back?: boolean;
  readonly gone?: boolean;
  readonly problem?: { readonly message: string; readonly fix?: string };
}

export interface SyncStatus {
  readonly enabled: boolean;
  readonly relation: 'in-sync' | 'ahead' | 'behind' | 'diverged' | 'unknown';
  readonly location?: string;
  readonly mode: 'backup' | 'merge';
  readonly encrypted: boolean;
  readonly machine: string;
  readonly reachable?: boolean;
  readonly pushed_at?: string;
  readonly pulled_at?: string;
  readonly unsent?: number;
  /** Requests and bytes since the first day of the month. */
  readonly traffic?: { readonly writes: number; readonly reads: number };
  /** Number of memories that a waiting merge would remove. It waits for the user's confirmation. */
  readonly held_removals?: number;
  /** Number of memories that merges removed in the 24 hours before without asking. */
  readonly removed_lately?: number;
  readonly machines?: readonly MachineState[];
  readonly problem?: { readonly message: string; readonly fix?: string };
  readonly warnings?: readonly string[];
}

export interface RestoreAnswer {
  readonly applied: boolean;
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly confirm?: string;
  readonly undo?: string;
  readonly warnings?: readonly string[];
  /** The part of `removed` that waits for the confirmation. */
  readonly held_removals?: number;
  readonly removed_lately?: number;
}

export interface WorkProgress {
  readonly step: string;
  readonly done: number;
  readonly total?: number;
}

export interface AddAnswer {
  readonly outcome: 'added' | 'existing' | 'skipped' | 'superseded';
  /** Other memories that say nearly the same. */
  readonly similar?: readonly object[];
  /** Fields that were added to an existing memory. */
  readonly gained?: readonly string[];
  /** A memory with the same text that was kept separate, because other fields differ. */
  readonly twin?: { readonly differs: readonly string[] };
  /** Kinds of the secrets that were masked. */
  readonly masked?: readonly string[];
}

export interface TidyGroup {
  readonly keep: Memory;
  readonly others: readonly Pick<Memory, 'id' | 'text'>[];
}

/** A proposal, or its outcome. */
export interface TidyAnswer {
  readonly counts: {
    readonly duplicates: number;
    readonly expired: number;
    readonly junk: number;
    readonly unused: number;
  };
  readonly compared?: boolean;
  readonly duplicates: readonly TidyGroup[];
  readonly contradictions: readonly TidyGroup[];
  readonly alike: readonly TidyGroup[];
  readonly expired: readonly Memory[];
  readonly junk: readonly Memory[];
  readonly unused: readonly Memory[];
  /** `unused` is null when there were too few searches to call any fact unused. */
  readonly searched: { readonly since?: string; readonly searches: number; readonly unused: number | null };
  readonly removed: number;
  readonly confirm?: string;
  /** Name of the backup from before. */
  readonly undo?: string;
}

export interface GrowthDay {
  readonly day: string;
  readonly added: number;
}

export interface MapPoint {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly tags?: readonly string[];
  readonly created: string;
}

export interface ImportAnswer {
  readonly added: number;
  readonly existing: number;
  /** Number of existing memories that got tags, a source or metadata from the file. */
  readonly gained: number;
  readonly updated: number;
  readonly conflicts: number;
  readonly rejected: number;
  /** Number of memories in which secrets were masked. */
  readonly masked: number;
  readonly warnings: readonly string[];
  readonly problems: readonly { readonly line?: number; readonly place?: string; readonly problem: string }[];
  /** Reasons for which entries were left out, with their number. */
  readonly omitted: Readonly<Record<string, number>>;
}
