interface Named {
  readonly name: string;
  readonly machine: string;
  readonly id: string;
}

/**
 * The shortest text that means one of them and no other: its name, `machine/name`, or its id.
 * @returns by id
 */
export function usableNames(snapshots: readonly Named[]): ReadonlyMap<string, string> {
  const uses = new Map<string, number>();
  const forms = ({ name, machine }: Named): string[] => [name, `${machine}/${name}`];
  for (const form of snapshots.flatMap(forms)) uses.set(form, (uses.get(form) ?? 0) + 1);
  return new Map(
    snapshots.map((snapshot) => [
      snapshot.id,
      forms(snapshot).find((form) => uses.get(form) === 1) ?? snapshot.id,
    ]),
  );
}
