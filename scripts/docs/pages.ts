import { format, resolveConfig } from 'prettier';
import { cliReference } from './cli-reference.ts';
import { configurationReference } from './configuration-reference.ts';
import { growthSvg, performancePage, publishedResults } from './performance.ts';
import { restReference } from './rest-reference.ts';
import { toolsReference } from './tools-reference.ts';

export interface GeneratedPage {
  /** Path relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** All generated pages, formatted like the files on disk, and their picture. */
export async function generatedPages(): Promise<GeneratedPage[]> {
  const results = publishedResults();
  const pages = [
    { path: 'docs/cli.md', text: cliReference() },
    { path: 'docs/configuration.md', text: configurationReference() },
    { path: 'docs/rest.md', text: restReference() },
    { path: 'docs/tools.md', text: toolsReference() },
    { path: 'docs/performance.md', text: performancePage(results) },
  ];
  const formatted = await Promise.all(
    pages.map(async ({ path, text }) => {
      const style = await resolveConfig(path);
      return { path, text: await format(text, { ...style, parser: 'markdown' }) };
    }),
  );
  return [...formatted, { path: 'docs/pictures/growth.svg', text: growthSvg(results) }];
}
