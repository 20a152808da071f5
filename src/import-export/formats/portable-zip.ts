import { InvalidInputError } from '../../errors/input-errors.ts';
import { isObject } from '../../util/json.ts';
import { decodeUtf8 } from '../../util/text.ts';
import type { Archive } from '../archive.ts';
import { ZIP_FORMAT, ZIP_VERSION } from '../export-zip.ts';
import { type JsonObject } from '../head.ts';
import {
  type ArchiveSource,
  type ImportFormat,
  type ImportItem,
  onlyArchive,
  placed,
  type ReadOptions,
  readMember,
} from './import-format.ts';
import { jsonLines } from './json-lines.ts';

const NAME = 'faiss-memory-zip';
const MEMBER = /^(?:[^/]+\/)?(?:facts|conversations)\.jsonl$/;
const MANIFEST = /^(?:[^/]+\/)?manifest\.json$/;
const MAX_MANIFEST_BYTES = 1024 * 1024;

/** The zip of `export --zip`, or the folder that it was unpacked to. Ids are identities, as in an export. */
export const portableZip: ImportFormat = {
  name: NAME,
  title: 'a zip of faiss-memory export --zip',
  recognizes: ({ kind, paths }) =>
    kind === 'archive' &&
    paths.some((path) => MANIFEST.test(path)) &&
    paths.some((path) => MEMBER.test(path)),
  joinsSameText: false,
  read: (source, options) => readZip(onlyArchive(source, NAME), options),
};

async function* readZip({ archive }: ArchiveSource, options: ReadOptions): AsyncGenerator<ImportItem> {
  const counts = countsIn(await readManifest(archive));
  for (const file of archive.entries.filter(({ path }) => MEMBER.test(path))) {
    let memories = 0;
    const name = file.path.slice(file.path.lastIndexOf('/') + 1);
    const source = { kind: 'text', name, bytes: archive.read(file) } as const;
    for await (const item of readMember(file, () => jsonLines.read(source, options))) {
      if (item.kind === 'memory' || item.kind === 'rejected') memories += 1;
      yield placed(item, file.path);
    }
    const expected = counts.get(name);
    if (expected !== undefined && memories !== expected) {
      yield {
        kind: 'warning',
        warning: `${file.path} had ${expected} memories when it was written, but ${memories} now.`,
      };
    }
  }
}

/** @throws InvalidInputError for a zip of another version, and for a manifest that is none */
async function readManifest(archive: Archive): Promise<JsonObject> {
  const file = archive.entries.find(({ path }) => MANIFEST.test(path));
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (file !== undefined) {
    for await (const chunk of archive.read(file)) {
      length += chunk.length;
      if (length <= MAX_MANIFEST_BYTES) chunks.push(chunk);
    }
  }
  const manifest = parse(Buffer.concat(chunks));
  if (manifest['format'] !== ZIP_FORMAT) {
    throw new InvalidInputError(
      'manifest.json',
      'is none of faiss-memory',
      'allowed is a zip of "faiss-memory export --zip"',
    );
  }
  if (manifest['version'] !== ZIP_VERSION) {
    const problem = `is of version ${String(manifest['version']).slice(0, 20)}`;
    throw new InvalidInputError(
      'manifest.json',
      problem,
      `allowed is version ${ZIP_VERSION}; update faiss-memory`,
    );
  }
  return manifest;
}

function parse(bytes: Uint8Array): JsonObject {
  try {
    const value: unknown = JSON.parse(decodeUtf8(bytes) ?? '');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function countsIn({ files }: JsonObject): ReadonlyMap<string, number> {
  const listed: readonly unknown[] = Array.isArray(files) ? files : [];
  return new Map(
    listed.flatMap((file) =>
      isObject(file) && typeof file['name'] === 'string' && typeof file['count'] === 'number'
        ? [[file['name'], file['count']] as const]
        : [],
    ),
  );
}
