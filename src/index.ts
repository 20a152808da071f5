// The public surface: everything that a program needs which embeds this one, so that it never imports a file inside.
export {
  openMemory,
  type OpenFolder,
  type OpenFolderOptions,
  type OpenMemory,
  type OpenStoreOptions,
} from './app/open-memory.ts';
export { createApp, type App, type AppOptions } from './app/app.ts';
export type { Span, SpanFacts, SpanRequest, Timing, Tracer } from './util/tracer.ts';
export type { SharedState } from './store/memory-store.ts';
export type { LogConnections } from './store/shared-log.ts';
export {
  resolveConfig,
  type ConfigInput,
  type ResolvedConfig,
  type SettingsInput,
} from './config/resolve.ts';
export type { Environment } from './config/environment.ts';
export type { Settings } from './config/schema.ts';
export type { SettingSource } from './config/sources.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export type { LogFields, Logger, LogLevel, LogMethod } from './logger.ts';
export { SecretString } from './util/secret-string.ts';
export type { TimeSpan, TimeZone } from './util/time-zone.ts';

// The memory tool of the Claude API.
export {
  createMemoryTool,
  MEMORY_TOOL,
  type CreateCommand,
  type DeleteCommand,
  type InsertCommand,
  type MemoryTool,
  type MemoryToolOptions,
  type MemoryToolResult,
  type RenameCommand,
  type StrReplaceCommand,
  type ViewCommand,
} from './memory-tool/memory-tool.ts';
export type { FileMemories } from './memory-tool/memory-files.ts';

// The domain.
export type { ConversationRole, MemoryKind } from './memory/attributes.ts';
export type {
  CapturedTurn,
  CaptureReport,
  CaptureRequest,
  ConversationRules,
} from './memory/conversations.ts';
export type { MemoryFilter } from './memory/filter.ts';
export type { ImportBatchOptions, ImportConflict, ImportOutcome, MemoryImporter } from './memory/import.ts';
export type * from './memory/memory-api.ts';
export type {
  HistoryEntry,
  Memory,
  MemoryDraft,
  MemoryPatch,
  MemoryWithHistory,
  StoreDigests,
} from './memory/memory.ts';
export type { Difference } from './memory/same-statement.ts';
export type {
  Dot,
  JsonValue,
  MemoryContent,
  Metadata,
  Version,
  VersionState,
  VersionVector,
  VersionVectorOrder,
} from './memory/version.ts';
export type * from './backup/backup-api.ts';
export type { SnapshotKind } from './backup/format/names.ts';
export type { RetentionPolicy } from './backup/repository/retention.ts';
export type * from './sync/sync-api.ts';
export type * from './blob/probe/probe-finding.ts';

// The ports.
export type * from './blob/blob-store.ts';
export type * from './embedding/embedder.ts';
export type {
  AddOptions,
  AddOutcome,
  Candidate,
  CandidateLists,
  CandidateRequest,
  ClaimRequest,
  ConversationPage,
  ConversationsRequest,
  ConversationSummary,
  DayCount,
  EmbeddingWrite,
  ImportedDraft,
  ImportOptions,
  IntegrityOptions,
  IntegrityPart,
  IntegrityReport,
  ListPage,
  ListRequest,
  MemoryStore,
  MemoryVector,
  PackedTokens,
  PendingEmbedding,
  SessionNeighbour,
  Standing,
  StoreStats,
  TokenMatch,
  TokenRequest,
  TokenSpace,
  VectorBackground,
  VectorQuery,
  Written,
} from './store/memory-store.ts';
export type {
  ChangeExample,
  ChangeList,
  ChangeReport,
  ImplausibleCounter,
  VectorReport,
} from './store/replica-store.ts';
export type { VectorHit, VectorIndex, VectorSearchOptions } from './vector/vector-index.ts';
/** For embedders of your own. */
export { chunkText, estimateTokens } from './embedding/chunking.ts';
export type { Chunk, ChunkingOptions } from './embedding/chunking.ts';

export * from './errors/backup-errors.ts';
export * from './errors/embedding-errors.ts';
export * from './errors/faiss-memory-error.ts';
export * from './errors/input-errors.ts';
export * from './errors/remote-errors.ts';
export * from './errors/store-errors.ts';
export type { FoundMemories, Unused, UnusedRule } from './memory/found-record.ts';
export type { BestMemories, BestMemory, BestRequest, RankingRules } from './memory/reranking.ts';
export type { FusionScale, Preference, RankedCandidate } from './memory/ranking.ts';
export type { RecallSource } from './recall/recalled-text.ts';
