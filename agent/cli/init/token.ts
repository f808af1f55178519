import { existsSync } from 'node:fs';
import { findModules } from '../../../hsm/find-modules.ts';
import { isModuleOf, MAKEABLE } from '../../../hsm/known-modules.ts';
import { formatUri } from '../../../hsm/uri.ts';
import { Fault } from '../../failure/failure.ts';
import { noFile } from '../../machine/given-file.ts';
import { askAs, SURVEY_MS } from '../proof/apart.ts';
import { type Shown, type Survey, survey } from '../proof/survey.ts';
import { hindrance, isTokenNamed, isTokenOf, rootsOnlyInWords, tokenInWords } from '../proof/token-words.ts';
import { ask } from './ask-setting.ts';
import { demandApart } from './configuration.ts';
import { Back, type Choice } from './dialogue.ts';
import { type Guide, misconfigured, wrongFlag } from './guide.ts';
import { admitTpm, makeNewToken, type NewKind, newKinds, STANDARD_LABEL, TOKEN_KINDS } from './new-token.ts';
import { askPin } from './pin.ts';

const TPM_DEVICE = '/dev/tpmrm0';

/** Where the private key lives: in an existing token, or in a new one. Ends with a login that worked. */
export async function askToken(guide: Guide): Promise<void> {
  const { dialogue, flags } = guide;
  const isGiven = !dialogue.asks || flags.hasAny('token', 'new-token');
  for (let isDone = false; !isDone; ) {
    const before = dialogue.questions;
    isDone = await isFound(guide, isGiven).catch((error: unknown) => {
      const isFirst = dialogue.questions === before + 1;
      if (!(error instanceof Back) || isFirst) throw error;
      return false;
    });
  }
}

async function isFound(guide: Guide, isGiven: boolean): Promise<boolean> {
  const found = await lookAround(guide);
  const chosen = isGiven ? tokenByFlags(guide, found) : await choose(guide, found);
  const shown = typeof chosen === 'string' ? await makeNewToken(guide, chosen, found) : chosen;
  if (shown === undefined) return false;
  if (isModuleOf('tpm', shown.module.path)) await admitTpm(guide, 'kept');
  const isOurs = typeof chosen === 'string' || isConfigured(guide, shown);
  note(guide, shown, found);
  demandApart(guide.answers.config, guide.file);
  return askPin(guide, shown, isOurs);
}

/** The modules of this machine, and the one of `--module`. */
function lookAround({ account, answers, errand, flags, dialogue }: Guide): Promise<Survey> {
  const named = flags.get('module') ?? answers.text('hsm.module');
  const modules = findModules(process.arch);
  if (dialogue.asks)
    dialogue.say(`Looking into ${modules.length} PKCS#11 modules, for ${SURVEY_MS / 1000} s at most …`);
  const isNew = named !== undefined && !modules.some(({ path }) => path === named);
  const all = isNew ? [{ name: 'named', path: named }, ...modules] : modules;
  const asRoot = (module: string) => askAs({}, 'tokens', module);
  return survey(all, (module) => errand('tokens', module), account && asRoot);
}

type Key = `token-${number}` | NewKind | 'other' | 'again';

/** Undefined: look again. */
async function choose(guide: Guide, found: Survey): Promise<Shown | NewKind | undefined> {
  const { dialogue, answers } = guide;
  const usable = found.tokens.filter(({ token }) => hindrance(token) === undefined);
  const kinds = newKinds(found);
  const choices: readonly Choice<Key>[] = [
    ...usable.map((one, at) => ({ key: `token-${at}` as const, words: tokenInWords(one) })),
    ...kinds.map(({ kind, words }) => ({ key: kind, words })),
    { key: 'other', words: 'in a module that is not listed here' },
    { key: 'again', words: 'look again: a token was plugged in, or a package installed' },
  ];
  tellOfOthers(guide, found);
  const standing = usable.findIndex((one) => isConfigured(guide, one));
  const only = standing < 0 && usable.length === 1 && answers.get('hsm.module') === undefined ? 0 : standing;
  const key = await dialogue.choose('Which one', choices, only < 0 ? kinds[0]?.kind : `token-${only}`);
  if (key === 'softhsm' || key === 'tpm') return key;
  guide.flags.forget('module');
  if (key === 'other') await ask('module')(guide);
  return usable.find((_, at) => key === `token-${at}`);
}

function tellOfOthers({ dialogue }: Guide, { tokens, free, useless, rootsOnly, hidden }: Survey): void {
  const hindered = tokens.filter(({ token }) => hindrance(token) !== undefined).map(tokenInWords);
  const silent = useless.map(({ module, why }) => `${module.name}: ${why} (${module.path})`);
  const isThere = (kind: NewKind) =>
    [...free, ...useless, ...tokens].some(({ module }) => isModuleOf(kind, module.path));
  const { softhsm, tpm } = MAKEABLE;
  const noSoftHsm = `no SoftHSM, which keeps keys in files: \`apt-get install ${softhsm.package}\``;
  const noModule = `there is a TPM, and no module for it: \`apt-get install ${tpm.package}\``;
  const all = [
    ...hindered,
    ...rootsOnly.map(rootsOnlyInWords),
    hidden?.message,
    ...silent,
    isThere('softhsm') ? undefined : noSoftHsm,
    isThere('tpm') || !existsSync(TPM_DEVICE) ? undefined : noModule,
  ];
  for (const words of all) if (words !== undefined) dialogue.item('-', words);
  dialogue.blank();
}

function isConfigured({ answers, left }: Guide, shown: Shown): boolean {
  const [module, token, uri] = ['hsm.module', 'hsm.token', 'hsm.uri'].map((name) => answers.text(name));
  if (left !== undefined && module === undefined) return isTokenNamed(shown, left);
  return isTokenOf(shown, { module, token, uri });
}

/** A label names a token only where it is unique; otherwise the serial number does. */
function note({ answers }: Guide, { module, token }: Shown, { tokens }: Survey): void {
  const { label, serial } = token;
  const same = tokens.filter((one) => one.module.path === module.path && one.token.label === label);
  const isUnique = same.length < 2 && label !== '';
  answers.set('hsm.module', module.path);
  answers.set('hsm.token', isUnique ? label : undefined);
  answers.set('hsm.uri', isUnique ? undefined : formatUri({ token: label || undefined, serial }));
}

/**
 * The token that flags and configuration name; without either, the only one. `--new-token` is the token itself where it was
 * made before: calling init again changes nothing.
 * @throws Fault NL-CONFIG where more must be said, or an option is wrong; NL-TOKEN-MISSING where the configured one is not there
 */
export function tokenByFlags({ answers, flags, left }: Guide, found: Survey): Shown | NewKind {
  const kind = TOKEN_KINDS.find((one) => one === flags.get('new-token'));
  const wrong = wrongModule(flags.get('module'), found);
  if (wrong !== undefined) throw wrongFlag('module', wrong);
  const named = flags.get('token');
  const module =
    flags.get('module') ?? (named === undefined && kind === undefined ? answers.text('hsm.module') : undefined);
  const kept = left === undefined ? undefined : found.tokens.find((one) => isTokenNamed(one, left));
  if (kind !== undefined) {
    const isMade = ({ module, token }: Shown) =>
      isModuleOf(kind, module.path) && token.label === (named ?? STANDARD_LABEL) && token.hasPin;
    const same = found.tokens.find(isMade);
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
