/** One line of the results: texts for people, and the figure behind them. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly budget: string;
  readonly reference: string;
  /** Within the budget. */
  readonly ok: boolean;
}

export type Report = (row: Row) => void;

/** Times of one operation in milliseconds. */
export async function times(count: number, action: (round: number) => Promise<unknown>): Promise<number[]> {
  const measured: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const start = performance.now();
    await action(round);
    measured.push(performance.now() - start);
  }
  return measured;
}

/** Three digits at most, as people read times. */
export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}
