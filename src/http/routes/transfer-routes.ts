import type { Hono } from 'hono';
import { stream } from 'hono/streaming';
import * as z from 'zod/mini';
import { InvalidInputError, RequestRefusedError } from '../../errors/input-errors.ts';
import { exportMarkdown } from '../../import-export/conversation-markdown.ts';
import { exportJsonLines } from '../../import-export/export-json-lines.ts';
import { recognizeFormat } from '../../import-export/formats/all-formats.ts';
import type { ImportProblem } from '../../import-export/import-report.ts';
import { captureInto } from '../../import-export/transcripts/capture-into.ts';
import { runImport } from '../../import-export/run-import.ts';
import { findConversation, turnsOf } from '../../api/conversations.ts';
import { filled, filterFields, flag } from '../../api/fields.ts';
import { importData, MAX_LISTED_PROBLEMS } from '../../api/memory-answers.ts';
import { ignoredData, lazySchema, readInput } from '../../api/input.ts';
import type { Services } from '../../api/services.ts';
import { type PreparedRequest, readQuery } from '../route.ts';
import { requireAccess } from '../guards/token-guard.ts';
import type { HttpContext, HttpEnvironment } from '../http-environment.ts';
import { eventStreamContent, streamProgress, wantsEvents } from '../stream-progress.ts';

const LINES = 'application/x-ndjson';

/** Export and import of all memories as JSON lines, which never hold a whole file in memory. */
export function mountTransferRoutes(
  app: Hono<HttpEnvironment>,
  open: (context: HttpContext) => Promise<Services>,
  prefix = '',
): void {
  app.get(`${prefix}/export`, async (context) => {
    const condition = Object.keys(readQuery(context)).find((name) => Object.hasOwn(filterFields, name));
    if (condition !== undefined) {
      throw new InvalidInputError(
        condition,
        'limits no export',
        'export all, or some with "faiss-memory export"',
      );
    }
    const { memory } = await open(context);
    const now = Date.now();
    // A store that cannot be read is a problem, and not the end of an answer that has begun.
    return exportMemories(context, await begun(memory.export()), {
      now,
      day: memory.timeZone.day(now),
    });
  });
  app.get(`${prefix}/conversations/:id/export`, async (context) => {
    const query = { ...readQuery(context), id: context.req.param('id') };
    const { input } = readInput(conversationInput, conversationSchema(), query);
    const { memory } = await open(context);
    const found = await findConversation(memory, { session: input.id, client: filled(input.client) });
    context.header('Content-Type', 'text/markdown; charset=utf-8');
    context.header('Content-Disposition', 'attachment; filename="conversation.md"');
    return streamText(context, (write) => exportMarkdown(found, turnsOf(memory, found), write));
  });
  app.post(`${prefix}/import`, async (context) => {
    requireAccess(context, 'write');
    const perform = prepareImport(context);
    const services = await open(context);
    if (wantsEvents(context)) return streamProgress(context, (work) => perform(services, work));
    return context.json(await perform(services, { signal: context.req.raw.signal }));
  });
}

/** The same after its first item is there. */
async function begun<Item>(source: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  })();
}

type Batches = Parameters<typeof exportJsonLines>[0];

function exportMemories(
  context: HttpContext,
  batches: Batches,
  { now, day }: { readonly now: number; readonly day: string },
): Response {
  context.header('Content-Type', LINES);
  context.header('Content-Disposition', `attachment; filename="memories-${day}.jsonl"`);
  return streamText(context, (write) => exportJsonLines(batches, { exportedAt: now, write }));
}

/** Answers with lines as they are written. */
function streamText(
  context: HttpContext,
  perform: (write: (chunk: string) => Promise<void>) => Promise<unknown>,
): Response {
  return stream(context, async (target) => {
    const write = async (chunk: string): Promise<void> => {
      // The client is gone, so the rest needs not be read from the store.
      if (target.aborted) throw new Error('the client went away');
      await target.write(chunk);
    };
    try {
      await perform(write);
    } catch (error) {
      if (target.aborted) return;
      context.get('logger').error('an export failed', {}, error);
      // An answer that just ended would look whole.
      context.env.outgoing.destroy();
    }
  });
}

const conversationInput = z.strictObject({ id: z.string(), client: z.optional(z.string()) });
const conversationSchema = lazySchema(conversationInput);

const importInput = z.strictObject({ overwrite: flag, dry_run: flag, format: z.optional(z.string()) });
const importSchema = lazySchema(importInput);

function prepareImport(context: HttpContext): PreparedRequest {
  const type = context.req.header('content-type') ?? '';
  if (!/^(application\/(x-ndjson|jsonl?)|text\/(plain|markdown))\b/i.test(type)) {
    throw new RequestRefusedError('UNSUPPORTED_MEDIA_TYPE', `The body is "${type.slice(0, 100)}"`, {
      fix: `Send JSON lines with the header "Content-Type: ${LINES}", or one JSON document with application/json.`,
    });
  }
  const { input, ignored } = readInput(importInput, importSchema(), readQuery(context));
  const { overwrite = false, dry_run: dryRun = false, format } = input;
  const bytes = context.req.raw.body ?? emptyBody();
  const onConflict = overwrite ? 'overwrite' : 'keep';
  return async ({ memory }, { signal, onProgress }) => {
    const problems: ImportProblem[] = [];
    const recognized = await recognizeFormat({ kind: 'text', name: '', bytes }, format);
    const summary = await runImport({
      ...recognized,
      importBatch: (drafts, options) => memory.importBatch(drafts, { ...options, onConflict, dryRun }),
      capture: captureInto(memory, { dryRun, foldersAreHere: false }),
      signal,
      onProgress: ({ lines, added, existing, updated }) =>
        onProgress?.({ step: 'importing lines', done: lines > 0 ? lines : added + existing + updated }),
      onProblem: (problem) => {
        if (problems.length < MAX_LISTED_PROBLEMS) problems.push(problem);
      },
    });
    return {
      ...importData(summary, problems),
      ...(dryRun ? { dry_run: true } : {}),
      ...ignoredData(ignored),
    };
  };
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {
  // Has no bytes.
}

const lines = { [LINES]: { schema: { type: 'string' } } };
const problem = { $ref: '#/components/responses/Problem' };

/** Their part of the OpenAPI document; bodies that are no JSON have no schema to make it of. */
export const transferPaths = {
  '/export': {
    get: {
      operationId: 'exportMemories',
      tags: ['Memories'],
      summary: 'All live memories as JSON lines',
      responses: {
        200: { description: 'One memory a line', content: lines },
        401: problem,
        403: problem,
        429: problem,
        500: problem,
        503: problem,
      },
    },
  },
  '/conversations/{id}/export': {
    get: {
      operationId: 'exportConversation',
      tags: ['Memories'],
      summary: 'One conversation as Markdown',
      parameters: [
        {
          name: 'id',
          in: 'path',
          required: true,
          description: 'the session',
          schema: { type: 'string' },
        },
        {
          name: 'client',
          in: 'query',
          description: 'needed where several clients have a session of this name',
          schema: { type: 'string' },
        },
      ],
      responses: {
        200: {
          description: 'A heading, then each turn as a quotation',
          content: { 'text/markdown': { schema: { type: 'string' } } },
        },
        400: problem,
        401: problem,
        403: problem,
        404: problem,
        429: problem,
        500: problem,
        503: problem,
      },
    },
  },
  '/import': {
    post: {
      operationId: 'importMemories',
      tags: ['Memories'],
      summary:
        'Take memories from JSON lines or a document of another tool; the same again adds nothing twice',
      parameters: [
        {
          name: 'overwrite',
          in: 'query',
          description: 'entries replace memories that have their id and other content',
          schema: { type: 'boolean' },
        },
        {
          name: 'dry_run',
          in: 'query',
          description: 'stores nothing and answers what would become of the entries',
          schema: { type: 'boolean' },
        },
        {
          name: 'format',
          in: 'query',
          description: 'the format of the body; its content tells it otherwise',
          schema: { type: 'string' },
        },
      ],
      requestBody: { required: true, content: { ...lines, 'application/json': { schema: {} } } },
      responses: {
        200: {
          description: 'What became of the lines',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: {
                  added: { type: 'integer' },
                  existing: { type: 'integer' },
                  gained: {
                    type: 'integer',
                    description: 'existing memories that took over tags, a source or metadata from the file',
                  },
                  updated: { type: 'integer' },
                  conflicts: { type: 'integer' },
                  rejected: { type: 'integer' },
                  format: { type: 'string' },
                  omitted: {
                    type: 'object',
                    description: 'entries that were left out as junk: how many, by the reason',
                    additionalProperties: { type: 'integer' },
                  },
                  problems: { type: 'array', items: { type: 'object' } },
                },
                required: ['added', 'existing', 'updated', 'conflicts', 'rejected', 'problems'],
              },
            },
            ...eventStreamContent,
          },
        },
        400: problem,
        401: problem,
        403: problem,
        413: problem,
        415: problem,
        429: problem,
        500: problem,
        503: problem,
        507: problem,
      },
    },
  },
} as const;
