export async function captureTurns(_call: object): Promise<void> {}
