import type { GetPromptResult, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod/mini';
import { advertise } from './advertised-schema.ts';
import { text } from '../api/fields.ts';
import { toJsonSchema } from '../api/input.ts';

/** Prompts that a user picks by hand in the client. */
export function registerPrompts(server: McpServer): void {
  const recallArguments = z.object({ topic: text('what to recall') });
  server.registerPrompt(
    'recall',
    {
      title: 'Recall',
      description: 'What do my memories say about a topic?',
      argsSchema: advertise(() => toJsonSchema(recallArguments)),
    },
    ({ topic }) => userMessage(recallText(topic)),
  );
  server.registerPrompt(
    'save_session',
    { title: 'Save this session', description: 'Keep what matters of this conversation' },
    () => userMessage(SAVE_SESSION),
  );
}

/** A topic is a phrase, and becomes part of the conversation. */
const MAX_TOPIC = 1_000;

function recallText(topic: unknown): string {
  const about =
    typeof topic === 'string' && topic.trim() !== ''
      ? `this topic: ${topic.trim().slice(0, MAX_TOPIC).toWellFormed()}`
      : 'the topic of this conversation so far.';
  return (
    'Search my memories with memory_search, in two or three different phrasings. Then sum up what is known, with ' +
    'the date and the id of each memory you rely on, and say what is missing or contradictory. ' +
    `Do so about ${about}`
  );
}

const SAVE_SESSION =
  'Go through this conversation and list what will still matter in another one: preferences, decisions with their ' +
  'reasons, facts about people and projects, solutions that worked. Leave out secrets and what mattered only today. ' +
  'Look for each with memory_search; correct what is there with memory_update, and add what is new with memory_add, ' +
  'one fact per memory. Then tell me what you saved.';

function userMessage(message: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text: message } }] };
}
