/** One line of the results. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly budget: string;
  readonly reference: string;
  readonly ok: boolean;
}

export type Report = (row: Row) => void;
