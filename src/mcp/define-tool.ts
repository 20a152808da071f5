import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import type * as z from 'zod/mini';
import type { MemoryApi } from '../memory/memory-api.ts';
import { advertise, toJsonSchema } from './advertised-schema.ts';
import { readInput } from './read-input.ts';

/** What tools, resources and prompts work with. */
export interface McpServices {
  readonly memory: MemoryApi;
}

/** What a tool does to the memories; decides the annotations that clients show and act on. */
export type ToolIntent = 'read' | 'add' | 'change' | 'remove';

export interface ToolAnswer {
  /** Lean data that fits the output schema. */
  readonly data: Record<string, unknown>;
  /** The same for a reader, compact; recalled text in it is quoted. */
  readonly text: string;
}

export interface ToolDeclaration<Input extends z.ZodMiniObject> {
  readonly name: string;
  readonly title: string;
  /** Tells an agent when to use the tool. */
  readonly description: string;
  readonly intent: ToolIntent;
  readonly input: Input;
  readonly output: z.ZodMiniObject;
  readonly handle: (services: McpServices, input: z.infer<Input>) => Promise<ToolAnswer>;
}

/** A tool ready to be registered: it reads its raw arguments itself. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: Readonly<Record<string, boolean>>;
  readonly inputSchema: StandardSchemaWithJSON<Record<string, unknown>>;
  readonly outputSchema: StandardSchemaWithJSON<Record<string, unknown>>;
  /** @throws InvalidInputError naming the field, the value and what is allowed */
  readonly call: (services: McpServices, rawArguments: unknown) => Promise<ToolAnswer>;
}

export function defineTool<Input extends z.ZodMiniObject>(declaration: ToolDeclaration<Input>): Tool {
  const { name, title, description, intent, input, output, handle } = declaration;
  const inputJson = toJsonSchema(input);
  return {
    name,
    title,
    description,
    annotations: annotationsOf(intent),
    inputSchema: advertise(inputJson),
    outputSchema: advertise(toJsonSchema(output)),
    call: async (services, rawArguments) => handle(services, readInput(input, inputJson, rawArguments)),
  };
}

/** All tools work on one local store: none reaches into an open world, and a repeated call changes nothing more. */
function annotationsOf(intent: ToolIntent): Record<string, boolean> {
  return {
    readOnlyHint: intent === 'read',
    destructiveHint: intent === 'change' || intent === 'remove',
    idempotentHint: true,
    openWorldHint: false,
  };
}
