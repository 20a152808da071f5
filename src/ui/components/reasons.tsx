import type { Hit } from '../types.ts';
import { ordinal } from '../words.ts';

/** Why a memory was found, in words. */
export function Reasons({ hit }: { readonly hit: Hit }) {
  const { similarity, word_rank: wordRank, vector_rank: vectorRank, words = [] } = hit;
  return (
    <p class="reasons">
      {vectorRank === undefined ? null : similarity === undefined ? (
        <span>{ordinal(vectorRank)} by meaning; how close cannot be told in this language</span>
      ) : (
        <span>
          <meter min={0} max={1} value={similarity} aria-label="Closeness of its meaning" />{' '}
          {Math.round(similarity * 100)} % close in meaning ({ordinal(vectorRank)} by meaning)
        </span>
      )}
      {wordRank === undefined ? null : (
        <span>
          has the {words.length === 1 ? 'word' : 'words'}{' '}
          {words.map((word) => (
            <mark key={word}>{word}</mark>
          ))}
          ({ordinal(wordRank)} by words)
        </span>
      )}
    </p>
  );
}
