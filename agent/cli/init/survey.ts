import type { FoundModule } from '../../../hsm/find-modules.ts';
import { hiddenTokens } from '../../../hsm/hidden-tokens.ts';
import type { SeenToken } from '../../../hsm/slots.ts';
import { matches, parseUri } from '../../../hsm/uri.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { foreign } from '../../failure/foreign.ts';

export interface Shown {
  readonly module: FoundModule;
  readonly token: SeenToken;
}

type TokensOf = (module: string) => Promise<readonly SeenToken[]>;

/**
 * Looks into every module, all at once, each in a process of its own: one that crashes or hangs is only named.
 * @param asRoot as root as well, where the daemon has another user
 */
export async function survey(modules: readonly FoundModule[], tokensOf: TokensOf, asRoot?: TokensOf) {
  const [looks, root] = await Promise.all([
    Promise.all(modules.map((module) => look(module, tokensOf))),
    Promise.all(asRoot === undefined ? [] : modules.map((module) => look(module, asRoot))),
  ]);
  const tokens = withoutCopies(shownIn(looks, true));
  return {
    tokens,
    /** A token that is there, and that its module does not show. */
    hidden: modules.map(({ path }) => hiddenTokens(path)).find((one) => one !== undefined),
    /** Tokens that were made as root: root can use them, and the daemon cannot. */
    rootsOnly: withoutCopies(shownIn(root, true)).filter(
      (one) => !tokens.some((other) => nameOf(other) === nameOf(one)),
    ),
    free: shownIn(looks, false),
    useless: looks.flatMap(({ module, why, isBroken }, at) => {
      const isRight = isBroken && root[at]?.isBroken === false;
      const more = isRight ? '; as root it works, so the user of the daemon lacks a right' : '';
      return why === undefined ? [] : [{ module, isBroken, why: `${why}${more}` }];
    }),
  };
}

export type Survey = Awaited<ReturnType<typeof survey>>;

const shownIn = (looks: readonly Awaited<ReturnType<typeof look>>[], isMade: boolean): readonly Shown[] =>
  looks.flatMap(({ module, seen }) =>
    seen.filter(({ isInitialised }) => isInitialised === isMade).map((token) => ({ module, token })),
  );

async function look(module: FoundModule, tokensOf: TokensOf) {
  try {
    const seen = await tokensOf(module.path);
    return { module, seen, isBroken: false, ...(seen.length === 0 && { why: 'it shows no token' }) };
  } catch (error) {
    const why = failureOf(error).message.replace(/^(PKCS#11 module \S+ |[\w ]+: )|\.$/g, '');
    return { module, seen: [], isBroken: true, why };
  }
}

/** Two modules may show one token (OpenSC and the vendor's own): the first in the list of modules wins. */
function withoutCopies(tokens: readonly Shown[]): readonly Shown[] {
  return tokens.filter(
    (one, at) => one.token.serial === '' || tokens.findIndex((other) => nameOf(other) === nameOf(one)) === at,
  );
}

const nameOf = ({ token }: Shown): string => [token.label, token.serial, token.manufacturer].join('\n');

export const isTokenNamed = ({ token }: Pick<Shown, 'token'>, wanted: string): boolean =>
  wanted.startsWith('pkcs11:') ? matches(token, parseUri(wanted)) : token.label === wanted;

export const isTokenOf = (
  shown: Shown,
  { module, token, uri }: Readonly<Record<'module' | 'token' | 'uri', string | undefined>>,
) => module === shown.module.path && isTokenNamed(shown, uri ?? token ?? '');

/** Why a daemon cannot log in to a token; undefined where it can. */
export function hindrance({ hasPin, hasPinPad, isLocked, needsLogin }: SeenToken): string | undefined {
  if (!needsLogin) return undefined;
  if (hasPinPad) return 'its PIN is typed at the reader, which no daemon can do';
  if (!hasPin) return 'it has no user PIN yet: its tool sets one';
  return isLocked ? 'its PIN is locked: the SO PIN unlocks it' : undefined;
}

export function tokenInWords({ module, token }: Shown): string {
  const { needsLogin, isCountLow } = token;
  const [label = '', model = '', serial = ''] = [token.label, token.model, token.serial].map(foreign);
  const warning = isCountLow ? '; a wrong PIN was tried' : '';
  const state = hindrance(token) ?? (needsLogin ? `needs its PIN${warning}` : 'needs no PIN');
  return `token "${label}" (${module.name}: ${model || 'no model'}, serial ${serial || 'none'}): ${state}`;
}

export function rootsOnlyInWords({ module, token }: Shown): string {
  const given = '`chown -R newleaf: /var/lib/softhsm/tokens`, if it is for newleaf alone';
  const cure = module.name === 'SoftHSM' ? given : 'make it as the user newleaf';
  return `token "${foreign(token.label)}" (${module.name}): only root can use it, and the daemon is not root; ${cure}`;
}
