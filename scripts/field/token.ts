import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Lack } from '../../test/contract/token/softhsm.ts';
import { agreed } from './agreed.ts';
import { type Look, look, remove } from './token-look.ts';
import { LACKS, type Told, USED } from './told.ts';

const MISUSE = 2;

class Misuse extends Error {}

/** What the person has typed. @throws Misuse: one sentence */
function told(): Told & { readonly pull: boolean; readonly yes: boolean; readonly report: string } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const options = { module: text, token: text, 'pin-file': text, lacks: text, report: text, pull: flag, yes: flag };
  const { values } = parseArgs({ options });
  const { module, token, 'pin-file': pinFile, lacks = '' } = values;
  if (module === undefined || token === undefined || pinFile === undefined)
    throw new Misuse('It needs --module FILE, --token LABEL and --pin-file FILE.');
  const words = lacks.split(',').filter((word) => word !== '');
  const wrong = words.find((word) => !LACKS.some((lack) => lack === word));
  if (wrong !== undefined) throw new Misuse(`--lacks knows ${LACKS.join(', ')}, and no "${wrong}".`);
  const { pull, yes, report = 'newleaf-token-report.txt' } = values;
  return { module: resolve(module), token, pinFile: resolve(pinFile), lacks: words as Lack[], pull, yes, report };
}

/** What is about to happen, before anything does. */
function announce(there: Look, pull: boolean): string {
  return `
${there.who}

The tests make keys and certificates in this token, use them, and destroy them again: some fifty, with twenty rolls.
What is in it now (${there.objects.length} keys and certificates) is not touched.
One wrong PIN is tried, once; the right one follows, so the token's count of wrong PINs begins anew.
It takes some minutes${pull ? ', and asks you to unplug the token once' : ''}.`;
}

/** Runs the suite, on the screen and into the report. Returns its exit code. */
async function suite(at: Told, there: Look, directory: string, report: string): Promise<number> {
  const file = createWriteStream(report);
  file.write(`${there.who}\n${there.mechanisms.join(' ')}\n\n`);
  const args = ['--import', 'tsx', '--test', '--test-reporter=spec', join(import.meta.dirname, 'token-suite.ts')];
  const env = { ...process.env, NEWLEAF_FIELD: JSON.stringify({ ...at, directory, keyTypes: there.keyTypes }) };
  const child = spawn(process.execPath, args, { stdio: ['inherit', 'pipe', 'inherit'], env });
  console.log('\nBegun.');
  const stop = (): void => void child.kill();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  for (const out of [process.stdout, file]) child.stdout.pipe(out, { end: false });
  const [code] = await once(child, 'close');
  file.end();
  return code ?? 1;
}

async function main(): Promise<number> {
  const at = told();
  const pin = (await readFile(at.pinFile, 'utf8')).trimEnd();
  const there = look(at, pin);
  const taken = there.objects.filter(({ label }) => USED.includes(label));
  if (taken.length > 0)
    throw new Misuse(
      `The token holds ${taken.map(({ label }) => `"${label}"`).join(', ')}, and the tests use these labels: is it the token of a gateway? Take another token.`,
    );
  console.log(announce(there, at.pull));
  if (!at.yes && (await agreed()) !== 'yes') return 1;
  const directory = await mkdtemp(join(tmpdir(), 'newleaf-field-'));
  try {
    const code = await suite(at, there, directory, at.report);
    const left = remove(at, pin, there.objects);
    if (left > 0) console.log(`\n${left} objects that the tests had left are removed.`);
    console.log(
      `\n${code === 0 ? 'The token keeps every promise.' : 'Some promises are not kept: see above.'} Report: ${at.report}`,
    );
    return code;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return error instanceof Misuse ? MISUSE : 1;
});
