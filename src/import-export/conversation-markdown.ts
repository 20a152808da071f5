import { attributesOf } from '../memory/attributes.ts';
import type { Memory } from '../memory/memory.ts';
import type { ConversationSummary } from '../store/memory-store.ts';
import { visibleLine } from '../util/visible-text.ts';

/**
 * Writes a conversation as Markdown for people: a heading with its name, then each turn under a heading with the role
 * and the time in UTC. A turn is quoted by `>`, so that headings inside it stay its own.
 * @param write receives whole lines; the next call comes after its promise has resolved
 * @returns number of turns written
 */
export async function exportMarkdown(
  conversation: ConversationSummary,
  turns: AsyncIterable<readonly Memory[]>,
  write: (chunk: string) => Promise<void>,
): Promise<number> {
  await write(heading(conversation));
  let count = 0;
  for await (const batch of turns) {
    if (batch.length === 0) continue;
    await write(batch.map(turn).join(''));
    count += batch.length;
  }
  return count;
}

function heading({ client, session, project, first, last, turns }: ConversationSummary): string {
  const facts = [
    ['Client', client],
    ['Project', project],
    ['From', new Date(first).toISOString()],
    ['To', new Date(last).toISOString()],
    ['Turns', String(turns)],
  ].filter(([, value]) => value !== '');
  const list = facts.map(([name = '', value = '']) => `- ${name}: ${visibleLine(value)}`).join('\n');
  return `# Conversation ${visibleLine(session)}\n\n${list}\n`;
}

function turn({ text, metadata, createdAt }: Memory): string {
  const role = attributesOf(metadata).conversation?.role ?? 'unknown';
  const quoted = text.replace(/\r\n?/g, '\n').replace(/^/gm, '> ').replace(/ +$/gm, '');
  return `\n## ${role}, ${new Date(createdAt).toISOString()}\n\n${quoted}\n`;
}
