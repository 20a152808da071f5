import { MemoryService, type MemoryServiceParts } from '../../src/memory/memory-service.ts';
import { createSecretScanner } from '../../src/secrets/create-secret-scanner.ts';

/** A service with rules as usual, and a short wait for a model that is loading. */
export function memoryServiceOn(
  parts: Pick<MemoryServiceParts, 'store' | 'embedder'> & Partial<MemoryServiceParts>,
): MemoryService {
  return new MemoryService({
    rules: { scanner: createSecretScanner(), secrets: 'mask', textLimit: 1_000, defaultProject: '' },
    now: Date.now,
    modelWaitMs: 20,
    ...parts,
  });
}
