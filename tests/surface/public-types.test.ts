import { dirname } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { packagePath } from '../../src/util/package.ts';

/** Types that a declaration computes with, and that no value of the public surface has. */
const INTERNAL = new Set(['Setting', 'SettingGroup']);

const ENTRIES = ['src/index.ts', 'src/testing.ts'].map((file) => packagePath(file));
const { config } = ts.readConfigFile(packagePath('tsconfig.json'), (file) => ts.sys.readFile(file)) as {
  config: { compilerOptions: object };
};
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, packagePath());
const program = ts.createProgram(ENTRIES, options);
const checker = program.getTypeChecker();

test('every type that the public surface speaks of can be imported from it', () => {
  const known = new Set(ENTRIES.flatMap(exportsOf));
  const missing = new Map<string, string>();
  const seen = new Set<ts.Symbol>();
  const visitSymbol = (symbol: ts.Symbol): void => {
    if (seen.has(symbol)) return;
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) visit(declaration, symbol.name);
  };
  const visit = (node: ts.Node, user: string): void => {
    if (isHidden(node)) return;
    const name = nameOfType(node);
    const used = name === undefined ? undefined : symbolAt(name);
    if (used !== undefined && isOwn(used) && !known.has(used)) {
      if (isExported(used)) missing.set(used.name, user);
      else visitSymbol(used);
    }
    ts.forEachChild(node, (child) => {
      visit(child, user);
    });
  };
  for (const symbol of known) visitSymbol(symbol);
  for (const name of INTERNAL) missing.delete(name);
  expect(Object.fromEntries(missing)).toEqual({});
});

test('all errors of the product can be imported', () => {
  const names = new Set(exportsOf(packagePath('src/index.ts')).map(({ name }) => name));
  const errors = program
    .getSourceFiles()
    .filter(({ fileName }) => dirname(fileName) === packagePath('src', 'errors').replaceAll('\\', '/'))
    .flatMap(({ statements }) => statements.filter(ts.isClassDeclaration))
    .flatMap(({ name }) => name?.text ?? []);
  expect(errors.filter((name) => !names.has(name))).toEqual([]);
  expect(errors).toContain('StoreDamagedError');
});

function exportsOf(file: string): ts.Symbol[] {
  const source = program.getSourceFile(file);
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  return module === undefined ? [] : checker.getExportsOfModule(module).map(behindAlias);
}

function behindAlias(symbol: ts.Symbol): ts.Symbol {
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

function symbolAt(node: ts.Node): ts.Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(node);
  return symbol === undefined ? undefined : behindAlias(symbol);
}

/** What does not appear in a declaration file: bodies, values and private members. */
function isHidden(node: ts.Node): boolean {
  if (ts.isBlock(node) || ts.isImportDeclaration(node)) return true;
  if (ts.isPropertyDeclaration(node) || ts.isMethodDeclaration(node))
    return ts.isPrivateIdentifier(node.name);
  return ts.isExpression(node) && !ts.isIdentifier(node) && !ts.isExpressionWithTypeArguments(node);
}

function nameOfType(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  return ts.isExpressionWithTypeArguments(node) ? node.expression : undefined;
}

function isOwn(symbol: ts.Symbol): boolean {
  const isParameter = (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0;
  return !isParameter && (symbol.declarations ?? []).some((one) => !one.getSourceFile().isDeclarationFile);
}

function isExported(symbol: ts.Symbol): boolean {
  return (symbol.declarations ?? []).some(
    (one) => (ts.getCombinedModifierFlags(one) & ts.ModifierFlags.Export) !== 0,
  );
}
