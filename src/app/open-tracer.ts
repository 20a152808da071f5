import { randomUUID } from 'node:crypto';
import type { Context, Span as OtelSpan, SpanOptions } from '@opentelemetry/api';
import { ConfigurationError } from '../errors/input-errors.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { Logger } from '../logger.ts';
import { settleWithin } from '../util/concurrency.ts';
import { loadOptionalPackage } from '../util/load-optional-package.ts';
import { packageVersion } from '../util/package.ts';
import type { Span, SpanRequest, Timing, Tracer } from '../util/tracer.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const CLOSE_LIMIT_MS = 3_000;
const WARN_EVERY_MS = 60_000;
const INSTALL =
  'Run: npm install @opentelemetry/api@1 @opentelemetry/sdk-trace-node@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-proto@0.223 (beside faiss-memory, with -g if that is global), or set OTEL_SDK_DISABLED=true.';

/**
 * The tracer that the standard variables of OpenTelemetry ask for; undefined when they ask for none, and then no package is
 * loaded. Headers, timeouts, sampler and batches are read from the variables by the packages themselves.
 * @throws ConfigurationError when a package is missing, or a variable asks for something that there is not
 */
export async function openTracer(environment: Environment, logger: Logger): Promise<Tracer | undefined> {
  if (!wantsTraces(environment)) return undefined;
  const { api, sdk, resources, exporter } = await loadPackages();
  const { resourceFromAttributes, detectResources, envDetector } = resources;
  const service = environment['OTEL_SERVICE_NAME'] ?? '';
  const own = resourceFromAttributes({
    'service.name': 'faiss-memory',
    'service.version': packageVersion(),
    'service.instance.id': randomUUID(),
  });
  const given = detectResources({ detectors: [envDetector] });
  const named = resourceFromAttributes(service === '' ? {} : { 'service.name': service });
  warnSeldom(api, logger);
  const provider = new sdk.NodeTracerProvider({
    resource: own.merge(given).merge(named),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter())],
  });
  // Spans find their parents, in the headers of a request and in the work that is under way.
  provider.register();
  return new OpenTelemetryTracer(api, provider);
}

function wantsTraces(environment: Environment): boolean {
  const of = (name: string): string => (environment[name] ?? '').trim();
  if (of('OTEL_SDK_DISABLED').toLowerCase() === 'true') return false;
  const name =
    of('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') === ''
      ? 'OTEL_EXPORTER_OTLP_ENDPOINT'
      : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
  if (of(name) === '' || of('OTEL_TRACES_EXPORTER') === 'none') return false;
  if (!URL.canParse(of(name)) || !/^https?:/.test(of(name)))
    throw refused(name, of(name), 'allowed is an address such as http://127.0.0.1:4318');
  const traces = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL';
  const protocol = of(traces) === '' ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : traces;
  if (!['', 'http/protobuf'].includes(of(protocol)))
    throw refused(protocol, of(protocol), 'allowed is http/protobuf');
  if (!['', 'otlp'].includes(of('OTEL_TRACES_EXPORTER')))
    throw refused('OTEL_TRACES_EXPORTER', of('OTEL_TRACES_EXPORTER'), 'allowed are otlp and none');
  return true;
}

function refused(name: string, value: string, allowed: string): ConfigurationError {
  const problem = `is ${JSON.stringify(value)}, which this program cannot do`;
  return new ConfigurationError([{ key: name, problem, source: 'environment variable', allowed }]);
}

async function loadPackages() {
  const toError = ({ problem, cause }: { problem: string; cause: unknown }): Error =>
    new ConfigurationError(
      [
        {
          key: 'OTEL_EXPORTER_OTLP_ENDPOINT',
          problem: `asks for traces, and ${problem}`,
          source: 'environment variable',
          allowed: 'nothing is needed without this variable',
        },
      ],
      { fix: INSTALL, cause },
    );
  return {
    api: await loadOptionalPackage({
      ...{ name: '@opentelemetry/api', major: 1, toError },
      load: () => import('@opentelemetry/api'),
    }),
    sdk: await loadOptionalPackage({
      ...{ name: '@opentelemetry/sdk-trace-node', major: 2, toError },
      load: () => import('@opentelemetry/sdk-trace-node'),
    }),
    resources: await loadOptionalPackage({
      ...{ name: '@opentelemetry/resources', major: 2, toError },
      load: () => import('@opentelemetry/resources'),
    }),
    exporter: await loadOptionalPackage({
      ...{ name: '@opentelemetry/exporter-trace-otlp-proto', major: 0, toError },
      load: () => import('@opentelemetry/exporter-trace-otlp-proto'),
    }),
  };
}

type Packages = Awaited<ReturnType<typeof loadPackages>>;

/** The packages tell of each batch that was not sent. */
function warnSeldom({ diag, DiagLogLevel }: Packages['api'], logger: Logger): void {
  let warnedAt = -Infinity;
  const warn = (): void => {
    if (performance.now() - warnedAt < WARN_EVERY_MS) return;
    warnedAt = performance.now();
    logger.warn('traces cannot be sent to the address of OTEL_EXPORTER_OTLP_ENDPOINT');
  };
  const ignore = (): void => undefined;
  const heard = { error: warn, warn: ignore, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(heard, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
}

type Provider = InstanceType<Packages['sdk']['NodeTracerProvider']>;

class OpenTelemetryTracer implements Tracer {
  readonly #api: Packages['api'];
  readonly #provider: Provider;
  readonly #tracer: ReturnType<Provider['getTracer']>;

  constructor(api: Packages['api'], provider: Provider) {
    this.#api = api;
    this.#provider = provider;
    this.#tracer = provider.getTracer('faiss-memory', packageVersion());
  }

  async span<Result>(request: SpanRequest, work: (span: Span) => Promise<Result>): Promise<Result> {
    const api = this.#api;
    const kinds = {
      server: api.SpanKind.SERVER,
      client: api.SpanKind.CLIENT,
      internal: api.SpanKind.INTERNAL,
    };
    const parent = this.#parentOf(request);
    const { name, kind = 'internal', facts = {} } = request;
    const span = this.#begin(name, { kind: kinds[kind], attributes: facts }, parent);
    try {
      const own = api.trace.setSpan(parent, span);
      return await api.context.with(own, () => work(this.#handle(span, own)));
    } catch (error) {
      this.#fail(span, error instanceof FaissMemoryError ? error.code : 'INTERNAL');
      throw error;
    } finally {
      span.end();
    }
  }

  async close(): Promise<void> {
    await settleWithin(this.#provider.shutdown(), CLOSE_LIMIT_MS).catch(() => undefined);
  }

  /**
   * A caller may name a trace of its own, and whoever reaches the port is a caller. Neither its flag nor its id adds to
   * what the sampler takes: that decides first as if the request named none.
   */
  #begin(name: string, options: SpanOptions, parent: Context): OtelSpan {
    if (this.#api.trace.getSpanContext(parent)?.isRemote === true) {
      const alone = this.#tracer.startSpan(name, { ...options, root: true }, parent);
      if (!alone.isRecording()) return alone;
    }
    return this.#tracer.startSpan(name, options, parent);
  }

  #parentOf({ headers }: SpanRequest): Context {
    const active = this.#api.context.active();
    return headers === undefined ? active : this.#api.propagation.extract(active, headers);
  }

  #handle(span: OtelSpan, own: Context): Span {
    return {
      addParts: (timings) => {
        this.#addParts(timings, own);
      },
      add: (facts) => void span.setAttributes(facts),
      rename: (name) => void span.updateName(name),
      fail: (code) => {
        this.#fail(span, code);
      },
    };
  }

  #addParts(timings: readonly Timing[], parent: Context): void {
    for (const { name, start, end, failed } of timings) {
      const options = { kind: this.#api.SpanKind.CLIENT, startTime: new Date(start) };
      const span = this.#tracer.startSpan(name, options, parent);
      if (failed) this.#fail(span, 'failed');
      span.end(new Date(end));
    }
  }

  #fail(span: OtelSpan, code: string): void {
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    span.setAttribute('error.type', code);
  }
}
