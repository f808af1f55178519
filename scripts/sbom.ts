import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Metafile } from 'esbuild';
import { describedIn, homesIn } from './notices.ts';

/** Part of a CycloneDX 1.5 document: https://cyclonedx.org/docs/1.5/json/ */
interface Bill {
  readonly components: readonly object[];
}

/**
 * What newleaf is made of, for scanners (CycloneDX): the packages in these bundles. Without time and serial number, so the same
 * source gives the same bytes.
 * @param root the repository
 */
export async function billOf(accounts: readonly Metafile[], root: string): Promise<string> {
  const { name, version, license } = await describedIn(root);
  const described = await Promise.all(homesIn(accounts).map((home) => describedIn(join(root, home))));
  const components = described.map((one) => ({
    type: 'library',
    'bom-ref': npm(one),
    name: one.name,
    version: one.version,
    purl: npm(one),
    licenses: [{ expression: one.license }],
  }));
  // No purl of npm, where another package may have this name.
  const own = `pkg:generic/${name}@${version}`;
  const component = {
    type: 'application',
    'bom-ref': own,
    name,
    version,
    purl: own,
    licenses: [{ expression: license }],
  };
  return written({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata: { component }, components });
}

/** With the Node that a package carries, by the names that scanners know; `platform` would be passed over by syft. */
export function withNode(bill: string, version: string): string {
  const known: Bill = JSON.parse(bill);
  const purl = `pkg:generic/node@${version}`;
  const cpe = `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`;
  const node = { type: 'library', 'bom-ref': purl, name: 'node', version, purl, cpe };
  return written({ ...known, components: [node, ...known.components] });
}

/** "The scope … must be percent-encoded": https://github.com/package-url/purl-spec */
const npm = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version}`;

const written = (bill: object): string => `${JSON.stringify(bill, null, 1)}\n`;

// scripts/package: sbom.ts VERSION <dist/newleaf.cdx.json
if (process.argv[1] === import.meta.filename)
  process.stdout.write(withNode(await text(process.stdin), process.argv[2] ?? ''));
