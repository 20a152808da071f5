import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Onnx from 'onnxruntime-web';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { readReleasable, releaseBytes } from '../util/releasable-bytes.ts';
import { withoutWeights } from './onnx-graph.ts';

export type RuntimeChoice = 'auto' | 'wasm' | 'native';

export interface LoadedRuntime {
  readonly name: 'onnxruntime-node' | 'onnxruntime-web (WASM)';
  readonly onnx: typeof Onnx;
  readonly session: Onnx.InferenceSession;
  /** Type of the elements of the attention mask. */
  readonly mask: 'float32' | 'int64';
}

export interface RuntimeOptions {
  readonly choice: RuntimeChoice;
  /** Threads for one run of the model. Undefined: chosen for this machine. */
  readonly threads: number | undefined;
  /** Called before native code runs in this thread. False forbids it, because the thread is ending. */
  readonly enterNative: () => boolean;
  /** Folder with the WebAssembly runtime that the build copies into the package. */
  readonly wasmDirectory: string;
}

/**
 * Since 1.29 the native runtime, once loaded, writes a device id and a queue of events below the home folder and
 * sends them to its maker. Releases read the first of these variables, development builds the second.
 */
const TELEMETRY_OFF = ['ORT_DISABLE_TELEMETRY', 'ORT_TELEMETRY_DISABLED'] as const;

/**
 * Switches the telemetry of the native runtime off. Call it in the main thread before the runtime is loaded: a worker
 * has only a copy of the environment, which native code does not read.
 */
export function switchOffTelemetry(env: Record<string, string | undefined>): void {
  for (const name of TELEMETRY_OFF) env[name] = '1';
}

/**
 * Loads the native runtime when it is installed and not excluded, else WebAssembly.
 * @param model is freed when it was loaded
 * @throws EmbeddingUnavailableError when `choice` is `native` and cannot be loaded, or when WebAssembly cannot start
 */
export async function loadRuntime(
  model: Uint8Array<ArrayBuffer>,
  options: RuntimeOptions,
): Promise<LoadedRuntime> {
  if (options.choice !== 'wasm') {
    try {
      return await loadNative(model, options);
    } catch (cause) {
      if (options.choice === 'native') {
        throw new EmbeddingUnavailableError('The package onnxruntime-node cannot be loaded', {
          cause,
          retryable: false,
          fix: 'Install it with `npm install -g faiss-memory onnxruntime-node --ignore-scripts`, or set MEMORY_EMBEDDING_RUNTIME=wasm.',
        });
      }
    }
  }
  return loadWasm(model, options);
}

async function loadNative(
  model: Uint8Array<ArrayBuffer>,
  { enterNative, threads = 1 }: RuntimeOptions,
): Promise<LoadedRuntime> {
  if (!enterNative()) throw new EmbeddingUnavailableError('The embedder is closed', { retryable: false });
  // With the name in a variable, bundlers do not look for this optional package.
  const name = 'onnxruntime-node';
  const loaded = (await import(name)) as { default: typeof Onnx };
  const onnx = loaded.default;
  const session = await onnx.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  releaseBytes(model);
  return { name: 'onnxruntime-node', onnx, session, mask: 'int64' };
}

/**
 * Two threads are nearly twice as fast on idle cores, but half as fast on busy ones, because they wait for each other
 * by spinning. So at most half of the cores are used.
 */
function wasmThreads(): number {
  return Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)));
}

/** Name under which a graph finds the weights outside of it. */
const WEIGHTS = 'weights';

async function loadWasm(model: Uint8Array<ArrayBuffer>, options: RuntimeOptions): Promise<LoadedRuntime> {
  const file = (name: string): string => pathToFileURL(join(options.wasmDirectory, name)).href;
  try {
    const onnx = (await import(file('onnxruntime-web.mjs'))) as typeof Onnx;
    onnx.env.logLevel = 'fatal';
    onnx.env.wasm.numThreads = options.threads ?? wasmThreads();
    const program = await readReleasable(join(options.wasmDirectory, 'ort-wasm-simd-threaded.wasm'));
    // The buffer and not the bytes, of which the runtime would make a copy.
    onnx.env.wasm.wasmBinary = program.buffer;
    onnx.env.wasm.wasmPaths = { mjs: file('ort-wasm-simd-threaded.mjs') };
    const slim = withoutWeights(model, WEIGHTS);
    const session = await onnx.InferenceSession.create(slim?.graph ?? model, {
      executionProviders: ['wasm'],
      logSeverityLevel: 4,
      ...(slim && { externalData: [{ path: WEIGHTS, data: model }] }),
    });
    releaseBytes(program);
    releaseBytes(model);
    const mask = slim?.floatMask === true ? 'float32' : 'int64';
    return { name: 'onnxruntime-web (WASM)', onnx, session, mask };
  } catch (cause) {
    throw new EmbeddingUnavailableError(
      `The embedding runtime in ${options.wasmDirectory} cannot be started`,
      {
        cause,
        retryable: false,
        fix: 'Install the package again; until then search works by words.',
      },
    );
  }
}
