/** True for an object of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member at a dotted path, for example `embedding.threads`; undefined when there is none. */
export function valueAt(value: unknown, path: string): unknown {
  let node = value;
  for (const name of path.split('.')) node = isObject(node) ? node[name] : undefined;
  return node;
}
