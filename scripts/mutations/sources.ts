import { join, relative } from 'node:path';
import {
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isPropertyDeclaration,
  isSetAccessorDeclaration,
  isVariableDeclaration,
  type Node,
  type SourceFile,
} from 'typescript/unstable/ast';
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
  /** Texts in place of those on disk, by path. */
  readonly #texts = new Map<string, string>();
  #program: Program | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#config = join(root, 'tsconfig.mutations.json');
    // A call that is gone leaves an import that is not used: no fault that a user could meet.
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false };
    this.#texts.set(
      this.#config,
      JSON.stringify({ extends: './tsconfig.json', include: ['agent', 'hsm'], exclude: [], compilerOptions }),
    );
    this.#api = new API({
      cwd: root,
      fs: {
        readFile: (path) => this.#texts.get(path),
        // undefined: as it is on disk.
        fileExists: (path) => (this.#texts.has(path) ? true : undefined),
      },
    });
    this.#program = this.#read();
  }

  files(): readonly string[] {
    const names = this.#project()?.rootFiles ?? [];
    return names.map((path) => relative(this.#root, path)).filter((file) => !file.endsWith('.d.ts'));
  }

  tree(file: string): SourceFile {
    const tree = this.#program?.getSourceFile(join(this.#root, file));
    if (tree === undefined) throw new Error(`${file} is no source of newleaf.`);
    return tree;
  }

  /** Whether the compiler refuses a file with another text: it looks at this file, or at all that import it, which takes seconds. */
  refuses(file: string, text: string, look: 'file' | 'all' = 'file'): boolean {
    const path = join(this.#root, file);
    this.#texts.set(path, text);
    const program = this.#read(path);
    const where = look === 'file' ? path : undefined;
    const isRefused =
      [...(program?.getSyntacticDiagnostics(path) ?? []), ...(program?.getSemanticDiagnostics(where) ?? [])].length > 0;
    this.#texts.delete(path);
    this.#program = this.#read(path);
    return isRefused;
  }

  [Symbol.dispose](): void {
    this.#api.close();
  }

  #project = () => this.#api.updateSnapshot({ openProjects: [this.#config] }).getProject(this.#config);

  #read(...paths: readonly string[]): Program | undefined {
    const changes = { openProjects: [this.#config], fileChanges: { changed: [...paths] } };
    return this.#api.updateSnapshot(changes).getProject(this.#config)?.program;
  }
}

const isNamed = (node: Node) =>
  isFunctionDeclaration(node) ||
  isMethodDeclaration(node) ||
  isGetAccessorDeclaration(node) ||
  isSetAccessorDeclaration(node) ||
  isPropertyDeclaration(node) ||
  isClassDeclaration(node) ||
  isVariableDeclaration(node);

/** The name that a function, a member of a class, or a constant has in its file. */
export function nameOf(node: Node): string | undefined {
  if (isConstructorDeclaration(node)) return 'constructor';
  return isNamed(node) ? node.name?.getText() : undefined;
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
