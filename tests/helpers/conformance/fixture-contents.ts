/** A PNG of one pixel. */
export const PNG = {
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  mimeType: 'image/png',
} as const;

/** A WAV of one silent sample. */
export const WAV = {
  data: 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==',
  mimeType: 'audio/wav',
} as const;

export function textContent(text: string): { type: 'text'; text: string } {
  return { type: 'text', text };
}

export function embedded<Contents extends object>(
  contents: Contents,
): { type: 'resource'; resource: Contents } {
  return { type: 'resource', resource: contents };
}
