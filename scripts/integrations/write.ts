// Writes the packages for clients, and the files of marketplaces at the root of the repository:
//   node scripts/run-ts.mjs scripts/integrations/write.ts
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codexMarketplaceFile, integrationFiles, marketplaceFile } from './packages.ts';

const root = process.cwd();
rmSync(join(root, 'integrations'), { recursive: true, force: true });
for (const [path, content] of integrationFiles(root)) write(join('integrations', path), content);
write('.claude-plugin/marketplace.json', marketplaceFile(root));
write('.agents/plugins/marketplace.json', codexMarketplaceFile(root));

function write(path: string, content: string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}
