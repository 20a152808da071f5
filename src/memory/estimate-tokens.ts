/**
 * Tokens of a text as a WordPiece or BPE tokenizer would roughly count them, erring high: a word is at least one
 * token and one for every four letters, every other visible character is one.
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  for (const [word] of text.matchAll(/[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}]+|\S/gu)) {
    tokens += Math.ceil(word.length / 4);
  }
  return tokens;
}
