// Compiles each module of src/ alone, so that every function says in which file it is when it starts.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/** Writes `target/dist`, a module for each file. `follow` is the absolute path of follow.mjs beside it. */
export function instrument({ source, target, follow }) {
  for (const name of readdirSync(source, { recursive: true })) {
    if (!name.endsWith('.ts') || name.startsWith('ui/')) continue;
    const path = join(target, 'dist', name.replace(/\.ts$/, '.js'));
    const code = compile(readFileSync(join(source, name), 'utf8'), name);
    const shebang = /^#!.*\n/.exec(code)?.[0] ?? '';
    const header = `import { runsIn } from ${JSON.stringify(specifier(path, follow))};\n`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, shebang + header + code.slice(shebang.length));
  }
}

function specifier(from, to) {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
}

function compile(code, name) {
  const { outputText } = ts.transpileModule(code, {
    fileName: name,
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    transformers: { before: [(context) => (file) => withCalls(file, context, name)] },
  });
  return outputText.replace(/(['"]\.[^'"\n]*)\.ts(['"])/g, '$1.js$2');
}

/** Puts `runsIn(name)` at the start of the body of each function; a body that is one expression becomes a block. */
function withCalls(file, context, name) {
  const { factory } = context;
  const call = factory.createExpressionStatement(
    factory.createCallExpression(factory.createIdentifier('runsIn'), undefined, [
      factory.createStringLiteral(name),
    ]),
  );
  const visit = (node) => {
    const { parent } = node;
    const visited = ts.visitEachChild(node, visit, context);
    if (ts.isBlock(visited) && parent !== undefined && ts.isFunctionLike(parent) && parent.body === node)
      return factory.updateBlock(visited, [call, ...visited.statements]);
    if (ts.isArrowFunction(visited) && !ts.isBlock(visited.body))
      return factory.updateArrowFunction(
        visited,
        visited.modifiers,
        visited.typeParameters,
        visited.parameters,
        visited.type,
        visited.equalsGreaterThanToken,
        factory.createBlock([call, factory.createReturnStatement(visited.body)], true),
      );
    return visited;
  };
  return ts.visitEachChild(file, visit, context);
}
