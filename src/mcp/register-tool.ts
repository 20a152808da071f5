import type {
  CallToolResult,
  InputRequiredResult,
  McpServer,
  ServerContext,
} from '@modelcontextprotocol/server';
import { askUser, canAskUser, readAnswer } from './ask-user.ts';
import type { Tool } from './define-tool.ts';
import { boundAnswer } from './answer-size.ts';
import { lines } from './render.ts';
import { ignoredData, ignoredNote } from '../api/input.ts';
import type { ServerParts } from '../api/services.ts';
import { progressReporter } from './report-progress.ts';
import { isQuestion, type ToolCall } from './tool-call.ts';
import { isUnexpected } from '../api/errors.ts';
import { toToolError } from './tool-error.ts';

/** Offers a tool. The one place where what a tool throws becomes an answer. */
export function registerTool(server: McpServer, tool: Tool, parts: ServerParts): void {
  const { name, title, description, annotations, inputSchema, outputSchema } = tool;
  const config = { title, description, annotations: { ...annotations }, inputSchema, outputSchema };
  server.registerTool(name, config, (rawArguments, context) =>
    answer(tool, { rawArguments, call: toolCall(server, context) }, parts),
  );
}

function toolCall(server: McpServer, context: ServerContext): ToolCall {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only source in the protocols before 2026-07-28
  const connected = server.server.getClientCapabilities();
  return {
    work: { signal: context.mcpReq.signal, onProgress: progressReporter(context) },
    canAsk: canAskUser(context, connected),
    answer: readAnswer(context),
  };
}

async function answer(
  tool: Tool,
  { rawArguments, call }: { readonly rawArguments: unknown; readonly call: ToolCall },
  { open, logger }: ServerParts,
): Promise<CallToolResult | InputRequiredResult> {
  let ignored: readonly string[] = [];
  try {
    const prepared = tool.prepare(rawArguments);
    ignored = prepared.ignored;
    const outcome = await prepared.perform(await open(), call);
    if (isQuestion(outcome)) return askUser(outcome);
    const { text, data } = boundAnswer({
      text: lines(outcome.text, ignoredNote(ignored)),
      data: { ...outcome.data, ...ignoredData(ignored) },
    });
    return { content: [{ type: 'text', text }], structuredContent: data };
  } catch (error) {
    const cancelled = call.work.signal?.aborted === true;
    if (isUnexpected(error) && !cancelled) logger.error('a tool failed', { tool: tool.name }, error);
    return toToolError(error, ignoredNote(ignored));
  }
}
