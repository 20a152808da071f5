import { format, resolveConfig } from 'prettier';
import { cliReference } from './cli-reference.ts';
import { configurationReference } from './configuration-reference.ts';
import { restReference } from './rest-reference.ts';
import { toolsReference } from './tools-reference.ts';

export interface GeneratedPage {
  /** Path relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** All generated pages, formatted like the files on disk. */
export function generatedPages(): Promise<GeneratedPage[]> {
  const pages = [
    { path: 'docs/cli.md', text: cliReference() },
    { path: 'docs/configuration.md', text: configurationReference() },
    { path: 'docs/rest.md', text: restReference() },
    { path: 'docs/tools.md', text: toolsReference() },
  ];
  return Promise.all(
    pages.map(async ({ path, text }) => {
      const style = await resolveConfig(path);
      return { path, text: await format(text, { ...style, parser: 'markdown' }) };
    }),
  );
}
