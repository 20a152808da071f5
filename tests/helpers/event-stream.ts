/** One event of a `text/event-stream`. */
export interface StreamedEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The events of an answer, as they arrive; their data is JSON. */
export async function* readEvents(response: Response): AsyncGenerator<StreamedEvent> {
  if (response.body === null) return;
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    // Comments only keep the connection open.
    yield* blocks.filter((block) => !block.startsWith(':')).map(toEvent);
  }
}

function toEvent(block: string): StreamedEvent {
  const lines = block.split('\n').map((line) => line.split(/: ?(.*)/s, 2));
  const fields = new Map(lines.map(([name = '', value = '']) => [name, value]));
  // The server writes objects only; other data fails the test that looks into it.
  const data = JSON.parse(fields.get('data') ?? '{}') as StreamedEvent['data'];
  return { event: fields.get('event') ?? 'message', data };
}
