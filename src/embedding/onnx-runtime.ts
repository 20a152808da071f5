import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Onnx from 'onnxruntime-web';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';

export type RuntimeChoice = 'auto' | 'wasm' | 'native';

export interface LoadedRuntime {
  readonly name: 'onnxruntime-node' | 'onnxruntime-web (WASM)';
  readonly onnx: typeof Onnx;
  readonly session: Onnx.InferenceSession;
}

export interface RuntimeOptions {
  readonly choice: RuntimeChoice;
  /** Threads of one run; absent = what pays off on this machine. */
  readonly threads: number | undefined;
  /** Asked before native code runs in this thread; false = it must not, because the thread is ending. */
  readonly enterNative: () => boolean;
  /** Folder with the WebAssembly runtime that the build copies into the package. */
  readonly wasmDirectory: string;
}

/**
 * Since 1.29 the native runtime writes a device id and a queue of events below the home folder and sends them to its
 * maker, as soon as it is loaded. Releases read the first of these variables, development builds the second.
 */
const TELEMETRY_OFF = ['ORT_DISABLE_TELEMETRY', 'ORT_TELEMETRY_DISABLED'] as const;

/**
 * Call it in the main thread before the native runtime is loaded anywhere: a worker's environment is a copy, which
 * native code does not see.
 */
export function switchOffTelemetry(env: Record<string, string | undefined>): void {
  for (const name of TELEMETRY_OFF) env[name] = '1';
}

/** The native runtime where it can be imported (or must be), else WebAssembly. @throws EmbeddingUnavailableError */
export async function loadRuntime(model: Uint8Array, options: RuntimeOptions): Promise<LoadedRuntime> {
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
  model: Uint8Array,
  { enterNative, threads = Math.min(2, availableParallelism()) }: RuntimeOptions,
): Promise<LoadedRuntime> {
  if (!enterNative()) throw new EmbeddingUnavailableError('The embedder is closed', { retryable: false });
  // A variable keeps bundlers from looking for an optional package.
  const name = 'onnxruntime-node';
  const loaded = (await import(name)) as { default: typeof Onnx };
  const onnx = loaded.default;
  const session = await onnx.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  return { name: 'onnxruntime-node', onnx, session };
}

/**
 * Two threads nearly double the speed while cores are idle, and halve it on a machine that is busy with other work,
 * because they wait for each other by spinning. So never more than half of the cores.
 */
function wasmThreads(): number {
  return Math.max(1, Math.min(2, Math.floor(availableParallelism() / 2)));
}

async function loadWasm(model: Uint8Array, options: RuntimeOptions): Promise<LoadedRuntime> {
  const file = (name: string): string => pathToFileURL(join(options.wasmDirectory, name)).href;
  try {
    const onnx = (await import(file('onnxruntime-web.mjs'))) as typeof Onnx;
    onnx.env.logLevel = 'fatal';
    onnx.env.wasm.numThreads = options.threads ?? wasmThreads();
    onnx.env.wasm.wasmBinary = await readFile(join(options.wasmDirectory, 'ort-wasm-simd-threaded.wasm'));
    onnx.env.wasm.wasmPaths = { mjs: file('ort-wasm-simd-threaded.mjs') };
    const session = await onnx.InferenceSession.create(model, {
      executionProviders: ['wasm'],
      logSeverityLevel: 4,
    });
    return { name: 'onnxruntime-web (WASM)', onnx, session };
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
