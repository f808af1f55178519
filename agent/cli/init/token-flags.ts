import { Fault } from '../../failure/failure.ts';
import { noFile } from './ask-setting.ts';
import { type Guide, misconfigured, wrongFlag } from './guide.ts';
import { type NewKind, newKinds, STANDARD_LABEL } from './new-token.ts';
import { hindrance, isTokenNamed, rootsOnlyInWords, type Shown, type Survey, tokenInWords } from './survey.ts';

export const TOKEN_KINDS: readonly NewKind[] = ['softhsm', 'tpm'];

/**
 * The token that flags and configuration name; without either, the only one. `--new-token` is the token itself where it was
 * made before: calling init again changes nothing.
 * @throws Fault NL-CONFIG where more must be said, or an option is wrong; NL-TOKEN-MISSING where the configured one is not there
 */
export function tokenByFlags({ answers, flag, left }: Guide, found: Survey): Shown | NewKind {
  const kind = TOKEN_KINDS.find((one) => one === flag('new-token'));
  const wrong = wrongModule(flag('module'), found);
  if (wrong !== undefined) throw wrongFlag('module', wrong);
  const named = flag('token');
  const module = flag('module') ?? (named === undefined && kind === undefined ? answers.text('hsm.module') : undefined);
  const kept = left === undefined ? undefined : found.tokens.find((one) => isTokenNamed(one, left));
  if (kind !== undefined) {
    const same = made(kind, named ?? STANDARD_LABEL, found);
    if (same === undefined && kept !== undefined) throw besideLeaf(kept, answers.inEffect('state.directory'));
    return same ?? kind;
  }
  const wanted = named ?? answers.text('hsm.uri') ?? answers.text('hsm.token') ?? (kept && left);
  const isMeant = (one: Shown) =>
    (module === undefined || one.module.path === module) && (wanted === undefined || isTokenNamed(one, wanted));
  const usable = found.tokens.filter((one) => isMeant(one) && hindrance(one.token) === undefined);
  const [only] = usable;
  if (only !== undefined && usable.length === 1) return only;
  const list = [...found.tokens.map(tokenInWords), ...found.rootsOnly.map(rootsOnlyInWords)].join('; ') || 'none';
  const useless = found.useless.map(({ module: { path }, why }) => ` ${path}: ${why}.`).join('');
  const hidden = found.hidden === undefined ? '' : ` ${found.hidden.message}`;
  const here = `Tokens here: ${list}.${hidden}${useless}`;
  if (wanted === undefined || usable.length > 0) {
    const advice = 'Name one with --token LABEL (or its pkcs11: URI), or have one made: --new-token softhsm';
    throw misconfigured(`newleaf cannot ask which token to take. ${here}`, advice);
  }
  // A wrong option is a wrong command line; a configured token may have been pulled.
  throw new Fault(named === undefined ? 'NL-TOKEN-MISSING' : 'NL-CONFIG', {
    message: `There is no usable token ${wanted}. ${here}`,
    advice: found.hidden?.advice ?? 'Name one of them with --token, or have one made: --new-token softhsm',
  });
}

/** The configuration is lost, and with it perhaps the PIN. */
function besideLeaf({ token: { label } }: Shown, directory: string): Fault {
  const message = `The key of the leaf of this gateway is in the token "${label}", which is here: no other one is made beside it.`;
  const advice = `Leave --new-token away, and give the PIN: --pin-file FILE. If the PIN is lost, begin anew: move ${directory}/state.json away.`;
  return misconfigured(message, advice);
}

/** The fault of the module that was named, as the end of a sentence: no token can be meant then. */
function wrongModule(path: string | undefined, { useless }: Survey): string | undefined {
  const broken = useless.find(({ module, isBroken }) => isBroken && module.path === path);
  if (broken === undefined) return undefined;
  return noFile(broken.module.path) ?? `must be a PKCS#11 module that works: ${path} ${broken.why}`;
}

function made(kind: NewKind, label: string, found: Survey): Shown | undefined {
  const maker = newKinds(found).find((one) => one.kind === kind);
  return found.tokens.find(
    ({ module, token }) => token.label === label && token.hasPin && module.path === maker?.module.path,
  );
}
