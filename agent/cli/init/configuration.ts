import { accessSync, constants } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Config, parseConfig } from '../../config/config.ts';
import { type Draft, type Drafted, draftOf, draftText } from '../../config/draft.ts';
import { clashOf, neighboursOf } from '../../config/neighbours.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { asRoot } from '../../machine/contained.ts';
import { readGiven } from '../../machine/given-file.ts';
import { makePath, setMode } from '../../machine/make-path.ts';
import { writeFor } from './copies.ts';
import { type Guide, InitAnswers, misconfigured } from './guide.ts';

const draftFile = (file: string): string => `${file}.draft`;

/**
 * @param isAsking everything is asked, even where the configuration is complete
 * @throws Fault NL-CONFIG where the file cannot be read
 */
export function existing(file: string, isAsking: boolean) {
  const text = textOf(file) ?? '';
  const { draft, mistakes, isComplete } = leniently(text, file);
  const config = isComplete ? parseConfig(text, file).config : undefined;
  const resumed = config === undefined || isAsking ? textOf(draftFile(file)) : undefined;
  const more = resumed === undefined ? [] : leniently(resumed, draftFile(file)).draft;
  // Those of a guide that was interrupted win.
  const answers = new InitAnswers(new Map([...draft, ...more]), file);
  return { config, answers, mistakes, isResumed: resumed !== undefined };
}

export type ExistingConfig = ReturnType<typeof existing>;

function leniently(text: string, file: string): Drafted {
  try {
    return draftOf(text, file);
  } catch (error) {
    // No TOML at all: nothing of it can be kept.
    return { draft: new Map(), mistakes: [failureOf(error).message], isComplete: false };
  }
}

/** Keeps the answers so far, for the next run. There is no secret among them. */
export async function keepDraft({ answers, file, env }: Guide): Promise<void> {
  const text = draftText(answers, 'The answers to newleaf init so far. It goes on from here.');
  await writeFor('all', { account: undefined, env }, draftFile(file), text);
}

/**
 * Writes the configuration, after it was read as the daemon reads it. The previous one, with its comments, is kept beside it.
 * @param pin token and PIN change together, wherever the power is cut: until the PIN is in its place, the configuration names
 * the file beside it
 * @returns the path of the previous one, if there was one
 * @throws Fault NL-CONFIG, also where another daemon of this gateway has the same identity or keys; nothing was written then
 */
export async function writeConfiguration(
  { answers, file, env }: Pick<Guide, 'answers' | 'file' | 'env'>,
  pin?: { readonly path: string; replace(): Promise<void> },
): Promise<string | undefined> {
  const write = (path: string, text: string) => writeFor('all', { account: undefined, env }, path, text);
  const textOfAll = (draft: Draft) =>
    draftText(draft, 'Written by newleaf init. All settings: man newleaf, and newleaf config.');
  const text = textOfAll(answers);
  demandApart(parseConfig(text, file).config, file);
  const before = textOf(file);
  const kept = before === undefined || before === text ? undefined : `${file}.bak`;
  if (before !== undefined && kept !== undefined) await write(kept, before);
  if (pin !== undefined) {
    await write(file, textOfAll(new Map([...answers, ['hsm.pin_file', pin.path]])));
    await pin.replace();
  }
  await write(file, text);
  if (pin !== undefined) await rm(pin.path, { force: true });
  await rm(draftFile(file), { force: true });
  return kept;
}

/** @throws Fault NL-CONFIG where another daemon of this gateway has the same identity or keys */
export function demandApart(config: Config, file: string): void {
  const clash = clashOf(config, neighboursOf(file));
  if (clash !== undefined) throw misconfigured(clash, 'Take another: `newleaf init --ask`');
}

/** Makes the directory for the answers, before the first question. @throws Fault NL-CONFIG */
export async function makePlace({ file, env }: Pick<Guide, 'file' | 'env'>): Promise<void> {
  const directory = dirname(file);
  try {
    // Whatever the umask is: the daemon, which is not root, must be able to enter.
    if (await makePath(directory)) await setMode(directory, 0o755);
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    const advice = `${asRoot(directory, env)}; or name another place: --config FILE`;
    throw misconfigured(`The configuration cannot be written to ${directory}.`, advice, cause);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readGiven(file).toString();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw misconfigured(`The configuration ${file} cannot be read.`, undefined, cause);
  }
}
