interface MetadataProps {
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** What programs have noted about a memory. */
export function Metadata({ metadata = {} }: MetadataProps) {
  const members = Object.entries(metadata);
  if (members.length === 0) return null;
  return (
    <dl class="metadata">
      {members.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
