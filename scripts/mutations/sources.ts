import { join, relative } from 'node:path';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import { API, type Program } from 'typescript/unstable/sync';

/** A text in place of another one, in a file. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export const changed = (text: string, { start, end, text: by }: Change): string =>
  text.slice(0, start) + by + text.slice(end);

/** The product as the compiler reads it; the texts of some files can be others than those on disk. */
export class Sources implements Disposable {
  readonly #root: string;
  readonly #config: string;
  readonly #api: API;
  /** By path; those of the product are as they were at first, whatever becomes of the tree. */
  readonly #texts = new Map<string, string>();
  #program: Program | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#config = join(root, 'tsconfig.mutations.json');
    // A call that is gone leaves an import that is not used: no fault that a user could meet.
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
    const config = { extends: './tsconfig.json', include: ['agent', 'hsm'], exclude: [], compilerOptions };
    this.#texts.set(this.#config, JSON.stringify(config));
    // What is undefined is as it is on disk.
    const readFile = (path: string) => this.#texts.get(path);
    this.#api = new API({ cwd: root, fs: { readFile, fileExists: (path) => this.#texts.has(path) || undefined } });
    this.#program = this.#read();
    for (const file of this.files()) this.#texts.set(join(root, file), this.tree(file).getFullText());
  }

  files(): readonly string[] {
    const paths = this.#program?.getSourceFileNames() ?? [];
    return paths.map((path) => relative(this.#root, path)).filter((file) => /^(agent|hsm)\/.*(?<!\.d)\.ts$/.test(file));
  }

  tree(file: string): SourceFile {
    const tree = this.#program?.getSourceFile(join(this.#root, file));
    if (tree === undefined) throw new Error(`${file} is no source of newleaf.`);
    return tree;
  }

  /** Whether the compiler refuses a file with another text: it looks at this file, or at all that import it, which takes seconds. */
  refuses(file: string, text: string, look: 'file' | 'all' = 'file'): boolean {
    const path = join(this.#root, file);
    const before = this.#texts.get(path) ?? '';
    this.#texts.set(path, text);
    const program = this.#read(path);
    const where = look === 'file' ? path : undefined;
    const isRefused =
      [...(program?.getSyntacticDiagnostics(path) ?? []), ...(program?.getSemanticDiagnostics(where) ?? [])].length > 0;
    this.#texts.set(path, before);
    this.#program = this.#read(path);
    return isRefused;
  }

  [Symbol.dispose](): void {
    this.#api.close();
  }

  #read(...changed: readonly string[]): Program | undefined {
    const asked = { openProjects: [this.#config], fileChanges: { changed: [...changed] } };
    return this.#api.updateSnapshot(asked).getProject(this.#config)?.program;
  }
}

const NAMED = new Set([
  ...[SyntaxKind.FunctionDeclaration, SyntaxKind.ClassDeclaration, SyntaxKind.VariableDeclaration],
  ...[SyntaxKind.MethodDeclaration, SyntaxKind.PropertyDeclaration, SyntaxKind.GetAccessor, SyntaxKind.SetAccessor],
]);
const FUNCTIONS = new Set([SyntaxKind.ArrowFunction, SyntaxKind.FunctionExpression]);

/** The name that a function, a member of a class, or a constant of the file has; a value inside of a function has none. */
export function nameOf(node: Node): string | undefined {
  const { name, initializer } = node as { readonly name?: Node; readonly initializer?: Node };
  if (node.kind === SyntaxKind.Constructor) return 'constructor';
  if (name === undefined || !NAMED.has(node.kind)) return undefined;
  const isLocal =
    node.kind === SyntaxKind.VariableDeclaration && node.parent.parent.parent.kind !== SyntaxKind.SourceFile;
  return isLocal && !(initializer && FUNCTIONS.has(initializer.kind)) ? undefined : name.getText();
}

/** Everything in a file, from the outside to the inside; `into` says whether to go on below a node. */
export function visit(node: Node, into: (node: Node) => boolean): void {
  node.forEachChild((child) => {
    if (into(child)) visit(child, into);
  });
}

/** Text without what a formatter adds: white space, and the comma before a bracket that closes. Each character with its place. */
function squeezed(text: string, from = 0): readonly (readonly [character: string, at: number])[] {
  const kept = [...text.matchAll(/\S/g)].map(({ 0: character, index }) => [character, from + index] as const);
  return kept.filter(([character], i) => character !== ',' || !/[)\]}]/.test(kept[i + 1]?.[0] ?? ''));
}

/** The places of a text in what has this name in a file; white space does not count. */
export function placesOf(tree: SourceFile, name: string, text: string): readonly Omit<Change, 'text'>[] {
  const found = new Map<number, Omit<Change, 'text'>>();
  const sought = squeezed(text)
    .map(([character]) => character)
    .join('');
  visit(tree, (node) => {
    if (nameOf(node) !== name) return true;
    const body = squeezed(node.getText(), node.getStart());
    const all = body.map(([character]) => character).join('');
    for (let at = all.indexOf(sought); at >= 0; at = all.indexOf(sought, at + 1)) {
      const start = body[at]?.[1] ?? 0;
      found.set(start, { start, end: (body[at + sought.length - 1]?.[1] ?? 0) + 1 });
    }
    return false;
  });
  return [...found.values()];
}
