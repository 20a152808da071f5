/** A text in quotes that is no name: neither a member before `:` or `=`, nor part of a table's header. */
const VALUE = /(["'])((?:(?!\1)[^\\\n]|\\.){8,})\1(?!\s*[:=])/g;

/**
 * A diff without the values of other servers, which often are tokens and keys: what is shown ends up in logs,
 * screenshots and the transcripts of assistants.
 * @param own texts that may be shown
 */
export function hideValues(diff: string, own: ReadonlySet<string>): string {
  return diff
    .split('\n')
    .map((line) =>
      /^(---|\+\+\+|@@)/.test(line) || /^[ +-]\s*\[[^"',]*\]/.test(line) ? line : hide(line, own),
    )
    .join('\n');
}

function hide(line: string, own: ReadonlySet<string>): string {
  return line.replace(VALUE, (whole, quote: string, text: string) =>
    own.has(text) ? whole : `${quote}…${quote}`,
  );
}
