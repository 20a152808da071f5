import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Message {
  readonly role: string;
  readonly content: string | readonly { readonly content?: string; readonly is_error?: boolean }[];
}

interface Call {
  readonly command: string;
  readonly path: string;
  readonly [name: string]: unknown;
}

const FILE = '/memories/coffee.md';

/** Answers as the Messages API does, and behaves as a model that looks into its memory first. */
export async function startFakeApi(): Promise<{ readonly address: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    void answer(request).then((body) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage): Promise<object> {
  const { messages, tools } = JSON.parse(await text(request)) as { messages: Message[]; tools: object[] };
  if (!JSON.stringify(tools).includes('memory_20250818')) return says('I have no memory.');
  const [first, ...rest] = messages;
  const prompt = typeof first?.content === 'string' ? first.content : '';
  const results = rest.flatMap(({ role, content }) =>
    role === 'user' && typeof content !== 'string' ? content : [],
  );
  const failed = results.find((result) => result.is_error === true);
  if (failed !== undefined) return says(`The tool failed: ${failed.content ?? ''}`);
  const [listing, content] = results.map((result) => result.content ?? '');
  if (listing === undefined) return calls({ command: 'view', path: '/memories' });
  const isKnown = listing.includes(FILE);
  if (prompt.startsWith('What')) {
    if (!isKnown) return says('I do not know.');
    return content === undefined
      ? calls({ command: 'view', path: FILE })
      : says(content.split('\t').at(-1) ?? '');
  }
  if (content !== undefined) return says('Noted.');
  return calls(
    isKnown
      ? { command: 'str_replace', path: FILE, old_str: 'oat milk', new_str: 'soy milk' }
      : { command: 'create', path: FILE, file_text: 'Coffee with oat milk\n' },
  );
}

function says(words: string): object {
  return { role: 'assistant', stop_reason: 'end_turn', content: [{ type: 'text', text: words }] };
}

function calls(input: Call): object {
  const block = { type: 'tool_use', id: `toolu_${Date.now()}`, name: 'memory', input };
  return { role: 'assistant', stop_reason: 'tool_use', content: [block] };
}
