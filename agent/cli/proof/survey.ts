import type { FoundModule } from '../../../hsm/find-modules.ts';
import { hiddenTokens } from '../../../hsm/hidden-tokens.ts';
import type { SeenToken } from '../../../hsm/slots.ts';
import { failureOf } from '../../failure/failure-of.ts';

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
