import type { IssuerChoice } from '../../config/config.ts';
import { Fault } from '../../failure/failure.ts';
import { type Check, type Finding, failed, ok, skipped, warning, x509 } from './check.ts';
import { askAuthorities, askToEnrol, waysOf } from './est.ts';
import type { Site } from './site.ts';

export const issuerReach: Check = {
  id: 'issuer-reach',
  describes: 'The issuer of leaves is there.',
  of: 'x509',
  needs: ['configuration'],
  async look(site) {
    const { issuer } = await x509(site);
    if (issuer.kind === 'est') return askAuthorities(site, issuer);
    if (issuer.kind === 'command') return program(site, issuer);
    const by = issuer.kind === 'inbox' ? 'by the inbox or `newleaf install`' : 'over the hub';
    return ok(`Leaves are signed elsewhere, and delivered ${by}.`);
  },
};

export const issuerAuth: Check = {
  id: 'issuer-auth',
  describes: 'The EST server accepts the credentials of newleaf.',
  of: 'x509',
  needs: ['issuer-reach'],
  async look(site) {
    const { issuer } = await x509(site);
    if (issuer.kind !== 'est') return skipped('Only an EST server gets credentials.');
    const ways = await waysOf(site, issuer).catch((error: unknown) => {
      if (error instanceof Fault) return undefined;
      throw error;
    });
    // A fault of the state file has a line of its own, and so has the key below.
    if (ways === undefined) return skipped('needs state-file');
    const [way, other] = ways;
    if (way === undefined) {
      const advice = 'Set username and password_file, or a bootstrap identity, under [issuer.est].';
      return failed('NL-EST-AUTH', 'There is no valid leaf, and nothing else to enrol with.', advice);
    }
    const isUsable = way !== 'leaf' || (await site.rehearse().then(yes, no));
    if (!isUsable) return skipped('needs tls-handshake');
    const found = await askToEnrol(site, issuer, way);
    if (found.code !== 'NL-EST-AUTH' || other === undefined) return found;
    const otherwise = await askToEnrol(site, issuer, other);
    if (otherwise.outcome !== 'ok') return found;
    return warning(`${found.message} Until then other credentials work: ${otherwise.message}`, found.advice ?? '');
  },
};

const yes = () => true;
const no = () => false;

/** Only a run would show more, and a run asks for a leaf. */
async function program({ access, user }: Site, { argv }: Extract<IssuerChoice, { kind: 'command' }>): Promise<Finding> {
  const [file = ''] = argv;
  try {
    await access(file, 'execute');
    return ok(`${file} can be run.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      const advice = 'Install the program, or correct issuer.command.argv.';
      return failed('NL-CMD-UNCONFIGURED', `There is no ${file}.`, advice);
    }
    if (code !== 'EACCES') throw error;
    const whose = user === undefined ? 'This user' : `The user ${user}`;
    const advice = `chmod 0755 ${file}; the file system must not be mounted noexec`;
    return failed('NL-CMD-UNCONFIGURED', `${whose} may not run ${file}.`, advice);
  }
}
