/** What is remembered with an entry of the browser's history, so that going back shows the same again. */
export interface Visit {
  /** The entry before is of this page too. */
  readonly inside?: boolean;
  /** How many memories were listed. */
  readonly shown?: number;
  /** Pixels from the top. */
  readonly scroll?: number | undefined;
}

export function readVisit(): Visit {
  // Written by `writeVisit` only.
  return (history.state as Visit | null) ?? {};
}

export function writeVisit(change: Visit): void {
  history.replaceState({ ...readVisit(), ...change }, '');
}
