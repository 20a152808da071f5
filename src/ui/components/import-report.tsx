import type { ImportAnswer } from '../types.ts';
import { count } from '../words.ts';

const SHOWN_PROBLEMS = 20;

/** What became of the lines of a file. */
export function ImportReport({ answer }: { readonly answer: ImportAnswer }) {
  const { added, updated, existing, gained, conflicts, rejected, masked, warnings, problems } = answer;
  const hidden = conflicts + rejected - Math.min(problems.length, SHOWN_PROBLEMS);
  return (
    <>
      <p>
        <strong>
          {added} added, {updated} updated, {existing} already there, {conflicts} in conflict, {rejected}{' '}
          rejected.
        </strong>
      </p>
      {gained === 0 ? null : (
        <p class="hint">
          {count(gained, 'memory', 'memories')} of those already there took over tags, a source or metadata.
        </p>
      )}
      {conflicts === 0 ? null : (
        <p class="hint">
          Lines in conflict were left out: their memories are here in another version, or in the trash.
        </p>
      )}
      {masked === 0 ? null : (
        <p class="hint">Secrets were masked in {count(masked, 'memory', 'memories')}.</p>
      )}
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <ul class="problems">
        {problems.slice(0, SHOWN_PROBLEMS).map(({ line, problem }, index) => (
          <li key={index}>
            Line {line}: {problem}
          </li>
        ))}
      </ul>
      {problems.length > SHOWN_PROBLEMS && hidden > 0 ? (
        <p class="hint">and {hidden.toLocaleString()} more</p>
      ) : null}
    </>
  );
}
