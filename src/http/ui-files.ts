import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { Hono } from 'hono';
import { packagePath } from '../util/package-path.ts';
import type { HttpEnvironment } from './http-environment.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of the web page, which hold no secret: `/` and `/ui/<file>`. Read once, for there are few. */
export function mountUiFiles(app: Hono<HttpEnvironment>): string[] {
  const folder = packagePath('dist', 'ui');
  const paths = readdirSync(folder).map((name) => {
    const content = readFileSync(packagePath('dist', 'ui', name));
    const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
    const headers = {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
      ETag: etag,
      // The page of a new version must not run with the script of an old one.
      'Cache-Control': 'no-cache',
    };
    const path = name === 'index.html' ? '/' : `/ui/${name}`;
    app.get(path, (context) => {
      const unchanged = context.req.header('if-none-match') === etag;
      return unchanged ? context.body(null, 304, headers) : context.body(content, 200, headers);
    });
    return path;
  });
  return paths;
}
