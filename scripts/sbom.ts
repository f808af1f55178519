import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Enums, Models, Serialize, Spec, Validation } from '@cyclonedx/cyclonedx-library';
import type { Bundled } from './bundled.ts';
import { describedIn } from './notices.ts';
import { debianIn } from './sbom/debian.ts';
import { licensed } from './sbom/licensed.ts';
import { nodeOf } from './sbom/node.ts';

/** What a bill of materials is of. */
export interface Made {
  /** As its users call it. */
  readonly name: string;
  readonly bundled: Bundled;
  /** What the carried Node says of itself, by `process.versions`. */
  readonly node?: Readonly<Record<string, string>>;
  /** The list of dpkg of an image, `/var/lib/dpkg/status`. */
  readonly debian?: string;
}

/**
 * What newleaf is made of, for scanners, as a CycloneDX document. Without time and serial number, so the same source gives the
 * same bytes.
 * @param root the repository
 * @throws Error: the document is not as the standard says, or a part of Node is not known here
 */
export async function billOf({ name, bundled, node, debian }: Made, root: string): Promise<string> {
  const { version, license } = await describedIn(root);
  // No purl of npm, where another package may have this name.
  const purl = `pkg:generic/${name}@${version}`;
  const type = debian === undefined ? Enums.ComponentType.Application : Enums.ComponentType.Container;
  const own = new Models.Component(type, name, { version, purl, bomRef: purl, licenses: licensed(license) });
  const packages = await packagesOf(bundled, root);
  const direct = [...packages, ...(node === undefined ? [] : [nodeOf(node)]), ...debianIn(debian ?? '')];
  const parts = direct.flatMap((one) => [...one.components]);
  for (const part of direct) {
    own.dependencies.add(part.bomRef);
    for (const inner of part.components) part.dependencies.add(inner.bomRef);
    // One list: not every scanner looks below a component.
    part.components = new Models.ComponentRepository();
  }
  return written(
    new Models.Bom({
      metadata: new Models.Metadata({ component: own }),
      components: new Models.ComponentRepository([...direct, ...parts]),
    }),
  );
}

/** One that npm has in several places is one component: the library gives a second one with the same reference a random one. */
async function packagesOf(bundled: Bundled, root: string): Promise<readonly Models.Component[]> {
  const [byHome, byPurl] = [new Map<string, Models.Component>(), new Map<string, Models.Component>()];
  for (const home of Object.keys(bundled)) {
    const { name, version, license } = await describedIn(join(root, home));
    // "The scope … must be percent-encoded": https://github.com/package-url/purl-spec
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    const about = { version, purl, bomRef: purl, licenses: licensed(license) };
    const component = byPurl.get(purl) ?? new Models.Component(Enums.ComponentType.Library, name, about);
    byHome.set(home, component);
    byPurl.set(purl, component);
  }
  for (const [home, imported] of Object.entries(bundled))
    for (const other of imported) {
      const ref = byHome.get(other)?.bomRef;
      if (ref !== undefined) byHome.get(home)?.dependencies.add(ref);
    }
  return [...byPurl.values()];
}

async function written(bom: Models.Bom): Promise<string> {
  const normalize = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot5);
  const text = new Serialize.JsonSerializer(normalize).serialize(bom, { sortLists: true, space: 1 });
  const wrong = await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text);
  if (wrong !== null) throw new Error(`The bill of materials is not CycloneDX: ${JSON.stringify(wrong)}`);
  return `${text}\n`;
}

// scripts/package: sbom.ts [--node PROGRAM] [--debian STATUS]
if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { node: { type: 'string' }, debian: { type: 'string' } } });
  const root = join(import.meta.dirname, '..');
  const bundled: Bundled = JSON.parse(await readFile(join(root, 'dist', 'bundled.json'), 'utf8'));
  const versions = (program: string): string =>
    execFileSync(program, ['--print', 'JSON.stringify(process.versions)'], { encoding: 'utf8' });
  const made = {
    name: 'newleaf',
    bundled,
    ...(values.node === undefined ? {} : { node: JSON.parse(versions(values.node)) }),
    ...(values.debian === undefined ? {} : { debian: await readFile(values.debian, 'utf8') }),
  };
  process.stdout.write(await billOf(made, root));
}
