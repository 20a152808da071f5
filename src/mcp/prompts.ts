import type { GetPromptResult, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod/mini';
import { advertise, toJsonSchema } from './advertised-schema.ts';

/** Prompts that a user picks by hand in the client. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt(
    'recall',
    {
      title: 'Recall',
      description: 'What do my memories say about a topic?',
      argsSchema: advertise(toJsonSchema(z.object({ topic: z.string() }))),
    },
    ({ topic }) =>
      userMessage(
        `Search my memories with memory_search for the topic below, with two or three different phrasings. ` +
          `Then sum up what is known, with the date and the id of each memory you rely on, and say what is missing or contradictory.\n\nTopic: ${String(topic)}`,
      ),
  );
  server.registerPrompt(
    'save_session',
    { title: 'Save this session', description: 'Keep what matters of this conversation' },
    () =>
      userMessage(
        'Go through this conversation and list what will still matter in another one: decisions with their reasons, preferences, facts about people and projects, solutions that worked. ' +
          'Leave out secrets and what only mattered today. Search for each with memory_search; correct what is there with memory_update, and add what is new with memory_add, one fact per memory. Then tell me what you saved.',
      ),
  );
}

function userMessage(text: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] };
}
