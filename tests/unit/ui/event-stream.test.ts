import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEvents, type StreamEvent } from '../../../src/ui/shared/event-stream.ts';

function read(text: string, cuts: readonly number[] = []): Promise<StreamEvent[]> {
  const bytes = new TextEncoder().encode(text);
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let begin = 0;
      for (const end of [...ends, bytes.length]) {
        controller.enqueue(bytes.slice(begin, end));
        begin = end;
      }
      controller.close();
    },
  });
  return collect(new Response(body));
}

async function collect(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}

test('reads events with their data', async () => {
  const events = await read('event: progress\ndata: {"done":1}\n\nevent: result\ndata: {"a":\ndata: 2}\n\n');
  expect(events).toEqual([
    { event: 'progress', data: '{"done":1}' },
    { event: 'result', data: '{"a":\n2}' },
  ]);
});

test('passes over comments', async () => {
  const events = await read(': still at it\n\nevent: result\ndata: 1\n\n: and again\n\n');
  expect(events).toEqual([{ event: 'result', data: '1' }]);
});

test('has no events where there is no body, and none of an unfinished one', async () => {
  expect(await collect(new Response(null))).toEqual([]);
  expect(await read('event: result\ndata: 1')).toEqual([]);
});

test('reads the same events however the network cuts them, even inside a character', async () => {
  const line = fc.string({ unit: 'binary' }).map((text) => JSON.stringify({ text }));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, cuts) => {
      const text = lines.map((data) => `event: progress\ndata: ${data}\n\n`).join('');
      const expected = lines.map((data) => ({ event: 'progress', data: data.toWellFormed() }));
      expect(await read(text, cuts)).toEqual(expected);
    }),
  );
});
