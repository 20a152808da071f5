import type { Tool } from './define-tool.ts';
import { memoryAdd } from './tools/memory-add.ts';
import { memoryDelete } from './tools/memory-delete.ts';
import { memoryGet } from './tools/memory-get.ts';
import { memoryList } from './tools/memory-list.ts';
import { memorySearch } from './tools/memory-search.ts';
import { memoryStats } from './tools/memory-stats.ts';
import { memoryUpdate } from './tools/memory-update.ts';
import { syncRestore } from './tools/sync-restore.ts';
import { syncStatus } from './tools/sync-status.ts';
import { syncUpload } from './tools/sync-upload.ts';

/** All tools, in the order in which clients see them. */
export const tools: readonly Tool[] = [
  memoryAdd,
  memorySearch,
  memoryGet,
  memoryList,
  memoryUpdate,
  memoryDelete,
  memoryStats,
  syncStatus,
  syncUpload,
  syncRestore,
];
