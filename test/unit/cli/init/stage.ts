import { Dialogue } from '../../../../agent/cli/init/dialogue.ts';
import { Flags, type Guide, InitAnswers } from '../../../../agent/cli/init/guide.ts';
import { screenOf } from '../../../../agent/cli/kit/screen.ts';
import type { ERRANDS } from '../../../../agent/cli/proof/errands.ts';
import type { Survey } from '../../../../agent/cli/proof/survey.ts';
import type { Written } from '../../../../agent/config/schema.ts';
import type { FoundModule } from '../../../../hsm/find-modules.ts';
import type { SeenToken } from '../../../../hsm/slots.ts';
import { Paper } from '../stage.ts';

/** A user of the daemon. */
export const account = { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' };

export interface Scene {
  readonly guide: Guide;
  readonly paper: Paper;
}

export interface SceneOptions {
  readonly flags?: Readonly<Record<string, string>>;
  readonly configured?: Readonly<Record<string, Written>>;
  /** What the person types, line by line; undefined: nobody is there. */
  readonly typed?: readonly string[];
  readonly errands?: Partial<Errands>;
  readonly stdin?: string;
}

type Errands = typeof ERRANDS;
/** The answer of an errand fits its question. */
type Answer = (asked: unknown) => Promise<never>;

const unexpected = (what: string) => async (): Promise<never> => {
  throw new Error(`nobody expected ${what}`);
};

export function scene({ flags = {}, configured = {}, typed, errands = {}, stdin = '' }: SceneOptions = {}): Scene {
  const paper = new Paper();
  const lines = [...(typed ?? [])];
  const next = async (words: string) => {
    const line = lines.shift();
    if (line === undefined) throw new Error(`nobody answers: ${words}`);
    paper.write(`${words}${line}\n`);
    return line;
  };
  const prompt = typed && { ask: next, enter: async () => undefined, hold() {}, release() {} };
  const all: Errands = {
    tokens: unexpected('a look at a module'),
    login: unexpected('a login'),
    findTls: async () => undefined,
    makeToken: unexpected('a new token'),
    keysIn: unexpected('a look for keys'),
    importKey: unexpected('an import'),
    makeOnboardingKey: unexpected('an onboarding key'),
    whyUnreadable: async () => undefined,
    refusesScope: unexpected('a trial of an ID scope'),
    ...errands,
  };
  const guide: Guide = {
    dialogue: new Dialogue(paper, screenOf(paper, { LANG: 'C.UTF-8' }), prompt),
    answers: new InitAnswers(new Map(Object.entries(configured))),
    flags: new Flags(Object.entries(flags)),
    file: '/nowhere/newleaf.toml',
    env: {},
    account: undefined,
    before: undefined,
    leaf: undefined,
    errand: async (question, asked) => (all[question] as Answer)(asked),
    copies: new Map(),
    later: [],
    staged: {},
    stdin: async () => stdin,
  };
  return { guide, paper };
}

export const SOFTHSM: FoundModule = { name: 'SoftHSM', path: '/usr/lib/softhsm/libsofthsm2.so' };
export const CARD: FoundModule = { name: 'smart card', path: '/usr/lib/opensc-pkcs11.so' };

export function token(label: string, change: Partial<SeenToken> = {}): SeenToken {
  return {
    label,
    serial: '01',
    manufacturer: 'SoftHSM project',
    model: 'SoftHSM v2',
    isInitialised: true,
    hasPin: true,
    needsLogin: true,
    hasPinPad: false,
    isLocked: false,
    isCountLow: false,
    isFinalTry: false,
    pinLength: { least: 4, most: 255 },
    ...change,
  };
}

export const surveyed = (change: Partial<Survey> = {}): Survey => ({
  tokens: [],
  free: [],
  useless: [],
  rootsOnly: [],
  hidden: undefined,
  ...change,
});
