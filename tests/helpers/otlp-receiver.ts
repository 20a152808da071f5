import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { withBody } from './with-body.ts';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty = it has no parent. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
  readonly service: unknown;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly address: string;
  readonly spans: readonly ReceivedSpan[];
  /** Everything that arrived, as bytes. */
  readonly bodies: readonly Buffer[];
}

/** A receiver of OTLP over HTTP, in protocol buffers, until the test has finished. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    withBody(request, (sent) => {
      const isRight =
        request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      if (isRight) {
        bodies.push(body);
        spans.push(...decode(body));
      }
      response.writeHead(isRight ? 200 : 404, { 'Content-Type': 'application/x-protobuf' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, bodies };
}

type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>;

/** The fields of a message, by number: bytes of those with a length, numbers of the others. */
function fieldsOf(message: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>();
  let place = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[place] ?? 0;
      place += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => message.subarray(place, (place += length));
  while (place < message.length) {
    const key = Number(varint());
    const kind = key & 7;
    const value =
      kind === 0
        ? varint()
        : kind === 1
          ? take(8).readBigUInt64LE()
          : take(kind === 2 ? Number(varint()) : 4);
    const number = key >> 3;
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

function messages(fields: Fields, number: number): Fields[] {
  return bytes(fields, number).map(fieldsOf);
}

function bytes(fields: Fields, number: number): Buffer[] {
  return (fields.get(number) ?? []).filter((value) => Buffer.isBuffer(value));
}

function decode(body: Buffer): ReceivedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1);
    const service = resource === undefined ? undefined : attributesOf(resource, 1)['service.name'];
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(scope, 2))
      .map((span) => ({
        traceId: bytes(span, 1)[0]?.toString('hex') ?? '',
        spanId: bytes(span, 2)[0]?.toString('hex') ?? '',
        parentId: bytes(span, 4)[0]?.toString('hex') ?? '',
        name: bytes(span, 5)[0]?.toString() ?? '',
        kind: Number(span.get(6)?.[0] ?? 0),
        attributes: attributesOf(span, 9),
        failed: messages(span, 15)[0]?.get(3)?.[0] === 2n,
        service,
      }));
  });
}

function attributesOf(fields: Fields, number: number): Record<string, unknown> {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const [value] = messages(pair, 2);
      const text = value === undefined ? undefined : bytes(value, 1)[0]?.toString();
      const whole = value?.get(3)?.[0];
      return [
        bytes(pair, 1)[0]?.toString() ?? '',
        text ?? (typeof whole === 'bigint' ? Number(whole) : undefined),
      ];
    }),
  );
}
