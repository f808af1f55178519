import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { KNOWN_MODULES, libraryDirectories } from './known-modules.ts';

export interface FoundModule {
  /** For the screen: the kind of token, or the name in p11-kit's configuration. */
  readonly name: string;
  readonly path: string;
}

/** Where administrators and packages configure p11-kit's modules (pkcs11.conf(5)); the first one wins. */
const CONFIGURED = ['/etc/pkcs11/modules', '/usr/share/p11-kit/modules'];

/** Where the container's page has a module mounted, with the libraries that it needs. */
const MOUNTED = '/hsm';

/**
 * The PKCS#11 modules on this machine: at their usual places, those of p11-kit's configuration, and what is mounted into a
 * container. Each once, however many links lead to it. Nothing is loaded.
 * @param arch process.arch
 * @param root of the file system, for tests
 */
export function findModules(arch: string, root = ''): readonly FoundModule[] {
  const libraries = libraryDirectories(arch);
  const known = KNOWN_MODULES.flatMap(({ name, files }) => {
    const path = files.flatMap((file) => libraries.map((directory) => join(directory, file)));
    return path.filter((one) => existsSync(root + one)).map((one) => ({ name, path: one }));
  });
  const told = CONFIGURED.flatMap((directory) => configured(directory, libraries, root));
  const seen = new Set<string>();
  return [...known, ...told, ...mounted(root)].filter(({ path }) => {
    const real = realpathSync(root + path);
    if (seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

/** The function that each module has (PKCS #11 v2.40, section 5.4): its libraries do not. */
const ENTRY = 'C_GetFunctionList';

function mounted(root: string): FoundModule[] {
  if (!existsSync(root + MOUNTED)) return [];
  const names = readdirSync(root + MOUNTED).filter((name) => /\.so(\.[0-9.]+)?$/.test(name));
  const modules = names.sort().filter((name) => readFileSync(join(root + MOUNTED, name)).includes(ENTRY));
  return modules.map((name) => ({ name: nameOf(name), path: join(MOUNTED, name) }));
}

const nameOf = (file: string): string =>
  KNOWN_MODULES.find(({ files }) => files.some((one) => one.endsWith(`/${file}`) || one === file))?.name ?? file;

function configured(directory: string, libraries: readonly string[], root: string): FoundModule[] {
  if (!existsSync(root + directory)) return [];
  const files = readdirSync(root + directory).filter((file) => file.endsWith('.module'));
  return files.sort().flatMap((file) => {
    const settings = settingsIn(readFileSync(join(root + directory, file), 'utf8'));
    const path = pathOf(settings.get('module') ?? '', libraries, root);
    // A store of CA certificates is no place for a key, and a module for one program is not meant for us.
    const isForOthers = settings.get('trust-policy') === 'yes' || settings.has('enable-in');
    return path === undefined || isForOthers ? [] : [{ name: file.replace(/\.module$/, ''), path }];
  });
}

/** `name: value`, one a line; # begins a comment. */
function settingsIn(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(/^\s*([a-z-]+)\s*:\s*(\S.*?)\s*$/gm)];
  return new Map(found.map(([, name = '', value = '']) => [name, value]));
}

/** pkcs11.conf(5): "if the value is not an absolute path name, it is looked for in p11-kit's module directory". */
function pathOf(written: string, libraries: readonly string[], root: string): string | undefined {
  if (written === '') return undefined;
  const places = isAbsolute(written) ? [written] : libraries.map((directory) => join(directory, 'pkcs11', written));
  return places.find((place) => existsSync(root + place));
}
