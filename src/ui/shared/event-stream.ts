export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Yields the events of a text/event-stream response. Supports only the parts of the format that this server uses. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    // A block without data, such as a comment that keeps the connection alive, is not an event.
    yield* blocks.map(parseBlock).filter(({ data }) => data !== '');
  }
}

function parseBlock(block: string): StreamEvent {
  const lines = block.split('\n');
  const field = (name: string): string =>
    lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ''))
      .join('\n');
  return { event: field('event'), data: field('data') };
}
