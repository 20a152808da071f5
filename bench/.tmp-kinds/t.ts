import { mkdtempSync } from 'node:fs';
import { openMemory } from '../../dist/index.js';
const dataDir = mkdtempSync('/tmp/kinds-t-');
const memory = openMemory({ dataDir, settings: { embedding: { provider: 'none' } } });
console.log(await memory.add({ memories: [{ text: 'hello' }] }));
console.log(await memory.capture({ client: 'c', session: 's', turns: [{ position: 0, role: 'user', text: 'x', createdAt: 1 }] }));
console.log((await memory.stats()).live);
await memory.close();
