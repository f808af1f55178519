import type { LoadedConfig } from '../../config/config.ts';
import { isContained } from '../../machine/contained.ts';
import type { Site } from '../proof/site.ts';
import { type Check, type Finding, failed, ok, warning } from './check.ts';
import { closedTo, secretFiles, secretOf } from './closed.ts';

const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

export const permissions: Check = {
  id: 'permissions',
  describes: 'Other users cannot read the secrets, and the daemon can read its files.',
  needs: ['configuration'],
  async look(site) {
    const loaded = await site.config();
    const findings = [
      ...(await Promise.all(secretFiles(loaded.config).map((secret) => kept(site, secret)))),
      await directoryKept(site, loaded.config.state.directory),
      ...(await Promise.all(readOf(loaded).map((path) => readable(site, path)))),
    ].filter((finding) => finding !== undefined);
    const [first] = [...findings.filter(({ outcome }) => outcome === 'failed'), ...findings];
    return first ?? ok('Other users cannot read PIN, passwords and state.');
  },
};

/** Who is neither root nor the daemon does not see whose the file must be. */
const CLOSED_BY_ROOT = '`newleaf check permissions` says how, where root calls it.';

async function kept(
  site: Site,
  [code, what, path]: ReturnType<typeof secretFiles>[number],
): Promise<Finding | undefined> {
  const mode = path === undefined ? 'absent' : await site.mode(path);
  if (path === undefined || mode === 'absent') return undefined;
  // In a container, the group is the daemon's alone: Kubernetes hands a Secret over by it (fsGroup).
  const wide = isContained(site.env) || (await site.isOfGroup(path)) ? OTHERS : GROUP_AND_OTHERS;
  if ((mode & wide) === 0) return undefined;
  // The daemon may read it as a member of a group: chmod alone would close it to the daemon.
  const byRoot = site.user === undefined ? `\`chmod 0600 ${path}\`` : secretOf(site.user, path);
  const advice = site.isStranger ? CLOSED_BY_ROOT : byRoot;
  if ((mode & OTHERS) !== 0) {
    return failed(code, `All users of this gateway may use ${what}: ${path} has mode ${octal(mode)}.`, advice);
  }
  return warning(`${path} has mode ${octal(mode)}: its group may use ${what}.`, advice);
}

async function directoryKept(site: Site, directory: string): Promise<Finding | undefined> {
  const mode = await site.mode(directory);
  // That of a volume in Kubernetes is root's, with mode 2775, and there are no others.
  if (mode === 'absent' || (mode & OTHERS) === 0 || isContained(site.env)) return undefined;
  const message = `The state directory ${directory} has mode ${octal(mode)}, and should have 0750.`;
  return warning(message, `\`chmod 0750 ${directory}\``);
}

/** Files that have no check of their own that reads them as the daemon's user. */
function readOf({ file, config }: LoadedConfig): readonly string[] {
  const issuer = 'tpm' in config ? undefined : config.issuer;
  const est = issuer?.kind === 'est' ? [issuer.password_file, issuer.bootstrap_cert, issuer.bootstrap_key] : [];
  const azure = issuer?.kind === 'azure' ? [issuer.certificate] : [];
  const files = [config.network.proxy_password_file, ...est, ...azure];
  return [file, ...files.filter((path) => path?.startsWith('/')).flatMap((path) => path ?? [])];
}

/** Only where this process is the daemon's user; for another user it would say nothing. */
async function readable(site: Site, path: string): Promise<Finding | undefined> {
  const { access, user } = site;
  if (user === undefined) return undefined;
  try {
    await access(path, 'read');
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES') return failed('NL-CONFIG', `${path} cannot be read (${code}).`, 'Put the file there.');
    return closedTo(user, site, path, 'NL-CONFIG');
  }
}
