export { InMemoryBlobStore } from './blob/in-memory-blob-store.ts';
export { FakeEmbedder } from './embedding/fake-embedder.ts';
export { ExactIndex } from './vector/exact-index.ts';
