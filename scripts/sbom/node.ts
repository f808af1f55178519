import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import { licensed } from './licensed.ts';

interface Part {
  /** SPDX, as its text in Node's LICENSE. */
  readonly license: string;
  /** Its heading in Node's LICENSE; undefined: the text of Node itself is its own, or it needs none. */
  readonly heading?: string;
  /** Vendor and product of its CPE. */
  readonly cpe?: string;
  /** It is also a package of npm. */
  readonly isNpm?: true;
}

/** What is compiled into Node, by its name in `process.versions`. */
export const NODE_PARTS: Readonly<Record<string, Part>> = {
  acorn: { license: 'MIT', heading: 'Acorn', isNpm: true },
  ada: { license: 'MIT', heading: 'ada' },
  amaro: { license: 'MIT', heading: 'amaro', isNpm: true },
  ares: { license: 'MIT', heading: 'c-ares', cpe: 'c-ares:c-ares' },
  brotli: { license: 'MIT', heading: 'brotli' },
  icu: { license: 'Unicode-3.0', heading: 'ICU' },
  llhttp: { license: 'MIT', heading: 'llhttp', isNpm: true },
  merve: { license: 'MIT', heading: 'merve' },
  nbytes: { license: 'MIT' },
  ncrypto: { license: 'MIT' },
  nghttp2: { license: 'MIT', heading: 'nghttp2', cpe: 'nghttp2:nghttp2' },
  openssl: { license: 'Apache-2.0', heading: 'OpenSSL', cpe: 'openssl:openssl' },
  simdjson: { license: 'Apache-2.0', heading: 'simdjson' },
  simdutf: { license: 'MIT', heading: 'simdutf' },
  // In the public domain.
  sqlite: { license: 'blessing', cpe: 'sqlite:sqlite' },
  undici: { license: 'MIT', heading: 'undici', cpe: 'nodejs:undici', isNpm: true },
  uv: { license: 'MIT', heading: 'libuv', cpe: 'libuv:libuv' },
  uvwasi: { license: 'MIT', heading: 'uvwasi' },
  v8: { license: 'BSD-3-Clause', heading: 'V8' },
  zlib: { license: 'Zlib', heading: 'zlib', cpe: 'zlib:zlib' },
  zstd: { license: 'BSD-3-Clause', heading: 'zstd' },
};

/** Numbers of interfaces, and of data that ICU has. */
const NO_PARTS = new Set(['node', 'modules', 'napi', 'cldr', 'tz', 'unicode']);

/**
 * Node, and what is compiled into it, by the names that scanners know; `platform` would be passed over by syft.
 * @param versions its `process.versions`; an empty one is of a part that this Node was built without
 * @throws Error: one is not known here
 */
export function nodeOf(versions: Readonly<Record<string, string>>): Models.Component {
  const { node: version = '' } = versions;
  const parts = Object.entries(versions).filter(([name, of]) => !NO_PARTS.has(name) && of !== '');
  const purl = `pkg:generic/node@${version}`;
  return new Models.Component(Enums.ComponentType.Library, 'node', {
    version,
    purl,
    bomRef: purl,
    cpe: cpeOf('nodejs:node.js', version),
    licenses: licensed('MIT'),
    components: new Models.ComponentRepository(parts.map(([name, of]) => partOf(name, of, version))),
  });
}

function partOf(name: string, version: string, node: string): Models.Component {
  const part = NODE_PARTS[name];
  if (part === undefined)
    throw new Error(`Node ${node} has a part "${name}": scripts/sbom/node.ts must know it, and its licence.`);
  // As its project calls it, which scanners know.
  const known = part.cpe?.split(':')[1] ?? name;
  const purl = `pkg:${part.isNpm ? 'npm' : 'generic'}/${known}@${version}`;
  return new Models.Component(Enums.ComponentType.Library, known, {
    version,
    purl,
    bomRef: `${purl}#node`,
    licenses: licensed(part.license),
    ...(part.cpe === undefined ? {} : { cpe: cpeOf(part.cpe, version) }),
  });
}

/** Of "1.3.2.1-motley-285e94b", as zlib calls itself, the list of CPEs knows the first part. */
const cpeOf = (product: string, version: string): string =>
  `cpe:2.3:a:${product}:${version.split('-')[0]}:*:*:*:*:*:*:*`;
