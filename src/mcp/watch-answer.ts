import type { OpenWork } from '../util/concurrency.ts';

/** The same answer, counted as work until its body has been read to the end or given up. */
export async function watchAnswer(work: OpenWork, answering: Promise<Response>): Promise<Response> {
  const end = work.begin();
  try {
    const response = await answering;
    if (response.body === null) {
      end();
      return response;
    }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    // It fails when either side gives up, which is an end too.
    void response.body
      .pipeTo(writable)
      .catch(() => undefined)
      .finally(end);
    return new Response(readable, response);
  } catch (error) {
    end();
    throw error;
  }
}
