import type * as z from 'zod/mini';
import { type AdvertisedSchema, advertise } from './advertised-schema.ts';
import { lazySchema, readInput, toPortable } from '../api/input.ts';
import type { Services } from '../api/services.ts';
import type { ToolAnswer, ToolCall, ToolQuestion } from './tool-call.ts';

/** What a tool does to the memories; decides the annotations that clients show and act on. */
export type ToolIntent = 'read' | 'add' | 'change' | 'remove';

export interface ToolDeclaration<Input extends z.ZodMiniObject> {
  readonly name: string;
  readonly title: string;
  /** Tells an agent when to use the tool. */
  readonly description: string;
  readonly intent: ToolIntent;
  /** True for tools that talk to the remote. Default: only the user's own store. */
  readonly openWorld?: boolean;
  readonly input: Input;
  readonly output: z.ZodMiniObject;
  readonly handle: (
    services: Services,
    input: z.infer<Input>,
    call: ToolCall,
  ) => Promise<ToolAnswer | ToolQuestion>;
}

/** A call whose arguments were checked. */
export interface PreparedCall {
  /** Fields of the arguments that the tool does not know. */
  readonly ignored: readonly string[];
  readonly perform: (services: Services, call: ToolCall) => Promise<ToolAnswer | ToolQuestion>;
}

/** A tool ready to be registered. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolHints;
  readonly inputSchema: AdvertisedSchema;
  readonly outputSchema: AdvertisedSchema;
  /**
   * Checks raw arguments before any service is opened.
   * @returns the call, to be made with the services
   * @throws InvalidInputError naming the field, the value and what is allowed
   */
  readonly prepare: (rawArguments: unknown) => PreparedCall;
}

/** The annotations of MCP, all of them: what is left out would mean the worst. */
export interface ToolHints {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

export function defineTool<Input extends z.ZodMiniObject>(declaration: ToolDeclaration<Input>): Tool {
  const { name, title, description, intent, openWorld = false, input, output, handle } = declaration;
  const inputJson = lazySchema(input);
  const outputJson = lazySchema(output);
  return {
    name,
    title,
    description,
    annotations: hintsOf(intent, openWorld),
    inputSchema: advertise(() => toPortable(inputJson())),
    outputSchema: advertise(outputJson),
    prepare(rawArguments) {
      const { input: checked, ignored } = readInput(input, inputJson(), rawArguments);
      return { ignored, perform: (services, call) => handle(services, checked, call) };
    },
  };
}

function hintsOf(intent: ToolIntent, openWorld: boolean): ToolHints {
  return {
    readOnlyHint: intent === 'read',
    destructiveHint: intent === 'change' || intent === 'remove',
    // Adding the same once more may be asked for; every other call changes nothing when repeated.
    idempotentHint: intent !== 'add',
    openWorldHint: openWorld,
  };
}
