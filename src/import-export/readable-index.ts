import type { MemoryAttributes } from '../memory/attributes.ts';
import type { Memory } from '../memory/memory.ts';
import { visibleLine } from '../util/visible-text.ts';

interface Session {
  readonly client: string;
  readonly project: string;
  first: number;
  last: number;
  turns: number;
  /** The beginning of the first turn of a user. */
  title: string;
}

/** Lines of each part of the page; the files beside it have everything. */
const MAX_LINES = 20_000;
const MAX_WIDTH = 120;

/** A page in Markdown that lists facts by project, and conversations, for a person who opens the zip. */
export class ReadableIndex {
  readonly #facts = new Map<string, string[]>();
  readonly #sessions = new Map<string, Session>();
  #factCount = 0;

  /** Memories come oldest first. */
  add({ text, tags, createdAt }: Memory, { conversation, project }: MemoryAttributes): void {
    const group = project ?? '';
    if (conversation === null) {
      this.#factCount += 1;
      if (this.#factCount > MAX_LINES) return;
      const lines = this.#facts.get(group) ?? [];
      this.#facts.set(group, lines);
      const labels = tags.length === 0 ? '' : ` (${visibleLine(tags.join(', '))})`;
      lines.push(`- ${dayOf(createdAt)} ${beginning(text)}${labels}`);
      return;
    }
    const { client, session, role } = conversation;
    const key = `${client}\n${session}`;
    const found = this.#sessions.get(key) ?? {
      ...{ client, project: group, first: createdAt, last: createdAt, turns: 0, title: '' },
    };
    this.#sessions.set(key, found);
    found.first = Math.min(found.first, createdAt);
    found.last = Math.max(found.last, createdAt);
    found.turns += 1;
    if (found.title === '' && role === 'user') found.title = beginning(text);
  }

  get conversations(): number {
    return this.#sessions.size;
  }

  *page(exportedAt: number): Generator<string> {
    yield `# Memories of ${dayOf(exportedAt)}\n\n`;
    yield `${this.#factCount} facts (facts.jsonl) and ${this.#sessions.size} conversations (conversations.jsonl). `;
    yield 'Older versions are in history.jsonl. `faiss-memory import` takes this zip.\n';
    for (const [project, lines] of [...this.#facts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      yield `\n## ${project === '' ? 'Facts of no project' : `Facts of ${visibleLine(project)}`}\n\n`;
      for (const line of lines) yield `${line}\n`;
    }
    yield* more(this.#factCount, 'facts.jsonl');
    if (this.#sessions.size > 0) yield '\n## Conversations\n\n';
    for (const { client, project, first, last, turns, title } of [...this.#sessions.values()].slice(
      0,
      MAX_LINES,
    )) {
      const days = dayOf(first) === dayOf(last) ? dayOf(first) : `${dayOf(first)} to ${dayOf(last)}`;
      const where = [client, project].filter((name) => name !== '').map((name) => visibleLine(name));
      yield `- ${days}, ${where.join(', ')}, ${turns} turns: ${title}\n`;
    }
    yield* more(this.#sessions.size, 'conversations.jsonl');
  }
}

function* more(count: number, file: string): Generator<string> {
  if (count > MAX_LINES) yield `\n… and ${count - MAX_LINES} more in ${file}.\n`;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The first words on one line, without marks of Markdown that would change the page. */
function beginning(text: string): string {
  const line = visibleLine(
    text
      .slice(0, 4 * MAX_WIDTH)
      .replace(/\s+/g, ' ')
      .trim(),
  );
  const shown = line.length <= MAX_WIDTH ? line : `${line.slice(0, MAX_WIDTH).toWellFormed()}…`;
  return shown.replace(/[\\`*_[\]<>#|]/g, '\\$&');
}
