import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { FILES } from '../../agent/cli/decommission/state-directory.ts';
import { type Change, changesOf, type Files, filesIn, kindOf } from './changes.ts';
import { assertSilent, codeIn, isWell, serves, shown } from './law.ts';
import { STORIES, type Story, standOf } from './stands.ts';

type Stand = Awaited<ReturnType<typeof standOf>>;
type When = 'while it is stopped' | 'while it runs';

/** Only these stories, only these files and changes. */
const [ONLY = /./, FILE = /./, HOW = /./] = ['STORY', 'FILE', 'HOW'].map(
  (name) => new RegExp(process.env[name] ?? '.'),
);

/** The same moment of another gateway. */
async function strangerOf(story: Story): Promise<{ readonly files: Files; readonly chain: Buffer }> {
  const stand = await standOf(story, 'gw-0002');
  try {
    await story.ready?.(stand);
    await stand.gateway.stop();
    const chain = Buffer.from((await stand.far.clientIdentity('gw-0001')).cert);
    return { files: filesIn(stand.gateway.stateDirectory), chain };
  } finally {
    await stand.remove();
  }
}

/**
 * It is well, or the screen names the file, and what is to be done. A journal whose digest fits is one that newleaf has written:
 * what it says wrongly may need a person, who is told what is wrong. What the screen has a person remove is removed.
 */
async function wellOrNamed(stand: Stand, own: readonly string[], path: string, isWritten: boolean) {
  try {
    return await isWell(stand, own, 2);
  } catch (error) {
    const { gateway } = stand;
    assertSilent(gateway);
    const { out, err } = await gateway.command('status');
    const told = `${error}\n${out}${err}`.replaceAll(/(\s\\)?\s+/g, ' ');
    const isNamed = told.includes(basename(path)) || (path === 'state.json' && isWritten);
    if (codeIn(told) === '' || !told.includes('→') || !isNamed) throw new Error(told);
    const named = `named: ${codeIn(told)}`;
    const file = join(gateway.stateDirectory, path);
    if (!told.includes(`rm ${file}`)) return [named];
    rmSync(file);
    await gateway.stop();
    await gateway.start();
    return [named, ...(await isWell(stand, own, 2))];
  }
}

/** One change, and what comes of it. @throws Error that tells the breach */
async function played(stand: Stand, story: Story, path: string, { how, bytes }: Change, when: When): Promise<string> {
  const { gateway } = stand;
  const { own = [] } = story;
  const file = join(gateway.stateDirectory, path);
  if (when === 'while it runs') {
    writeFileSync(file, bytes);
    const met = await wellOrNamed(stand, own, path, false);
    await gateway.stop();
    await gateway.start();
    await serves(stand);
    assertSilent(gateway);
    return met.join(', ') || 'well';
  }
  const { leaf: served } = await gateway.status();
  const before = served?.thumbprint;
  // The last thing of a roll.
  if (served !== undefined) await gateway.token.stores(`newleaf-${served.slot}`, served.thumbprint);
  await gateway.stop();
  await story.stopped?.(stand);
  const saved = mkdtempSync(join(tmpdir(), 'newleaf-kept-'));
  cpSync(gateway.stateDirectory, saved, { recursive: true });
  writeFileSync(file, bytes);
  try {
    const since = gateway.log.lines.length;
    const refused = await gateway.start().then(
      () => undefined,
      () => gateway.log.lines.at(-1),
    );
    if (refused === undefined) {
      // Whether a hub that is away was never there, no content can tell.
      const named = await serves(stand, path === 'state.json' || path === 'adopted.pem');
      const { leaf } = await gateway.status();
      const told = gateway.log.lines.slice(since).flatMap(({ code }) => (code === undefined ? [] : [String(code)]));
      const met = await wellOrNamed(stand, own, path, !how.startsWith('bit'));
      const same = leaf?.thumbprint === before ? [] : ['another leaf'];
      return [...(named ? [named] : []), ...same, ...new Set(told), ...met].join(', ') || 'well';
    }
    const { code, out, err } = await gateway.command('status');
    const told = `${out}${err}`.replaceAll(/(\s\\)?\s+/g, ' ');
    if (codeIn(told) === '' || !told.includes('→') || !told.includes(file))
      throw new Error(`it has ended, and the screen does not say by what: ${code} ${told}\n${JSON.stringify(refused)}`);
    const exit = await gateway.ended();
    if (exit !== 4) throw new Error(`it has ended with ${exit}: ${told}`);
    assertSilent(gateway);
    rmSync(gateway.stateDirectory, { recursive: true });
    cpSync(saved, gateway.stateDirectory, { recursive: true });
    await gateway.start();
    await serves(stand);
    await isWell(stand, own, 2);
    return `refused: ${codeIn(told)}`;
  } catch (error) {
    if (process.env.SHOW) console.error(String(error), await shown(gateway).catch(String));
    throw error;
  } finally {
    rmSync(saved, { recursive: true });
  }
}

/** The files by their kind, and of several of a kind by a number. */
function filesOf({ gateway }: Stand) {
  const found = new Map<string, { readonly path: string; readonly bytes: Buffer }>();
  for (const [path, bytes] of filesIn(gateway.stateDirectory)) {
    const kind = kindOf(path);
    const count = [...found.keys()].filter((name) => name.startsWith(kind)).length;
    found.set(count === 0 ? kind : `${kind} ${count + 1}`, { path, bytes });
  }
  return found;
}

const walked = new Set<string>();

suite('what is kept is wrong', { concurrency: Number(process.env.GATEWAYS ?? 3) }, () => {
  for (const story of STORIES.filter(({ name }) => ONLY.test(name)))
    test(story.name, async (t) => {
      const { files: strange, chain } = await strangerOf(story);
      let stand = await standOf(story);
      const breaches: string[] = [];
      const outcomes: string[] = [];
      const again = async () => {
        await stand.remove().catch(() => {});
        stand = await standOf(story);
      };
      await story.ready?.(stand);
      await stand.gateway.stop();
      await story.stopped?.(stand);
      const begun = filesOf(stand);
      const names = [...begun.keys()];
      await again();
      for (const name of names) walked.add(name.split('/')[0] ?? '');
      for (const when of ['while it is stopped', 'while it runs'] as const)
        for (const name of names.filter((one) => FILE.test(one))) {
          const bytes = begun.get(name)?.bytes ?? Buffer.of();
          const { length } = await changesOf(name, bytes, strange, chain);
          for (let index = 0; index < length; index += 1) {
            let called = `${name} ${index}`;
            try {
              await story.ready?.(stand);
              const now = filesOf(stand).get(name);
              const change = now && (await changesOf(now.path, now.bytes, strange, chain))[index];
              if (now === undefined || change === undefined || !HOW.test(change.how)) continue;
              called = `${name}, ${change.how}`;
              const outcome = `${when}: ${await played(stand, story, now.path, change, when)}`;
              outcomes.push(outcome);
              if (outcome.includes('named')) await again();
              if (process.env.SHOW) console.error(`${story.name} | ${called} | ${outcome}`);
            } catch (error) {
              breaches.push(`${called}, ${when}: ${error instanceof Error ? error.message : error}`);
              if (process.env.SHOW) console.error(`BREACH ${story.name} | ${breaches.at(-1)}`);
              await again();
            }
          }
        }
      await stand.remove();
      for (const one of new Set(outcomes)) t.diagnostic(`${one}: ${outcomes.filter((other) => other === one).length}`);
      t.diagnostic(`${outcomes.length + breaches.length} changes of ${names.length} files: ${names.join(', ')}`);
      assert.deepEqual(breaches, []);
    });
});

/** Not here: what a person brings for the onboarding identity, a TPM's, and what newleaf takes at once. */
const ABSENT = ['onboarding.pem', 'onboarding.pem.bak', 'tpm-next-key', 'inbox'];

test('each file that newleaf keeps was there', { skip: process.env.STORY !== undefined }, () => {
  assert.deepEqual(
    FILES.filter((name) => !walked.has(name) && !ABSENT.includes(name)),
    [],
  );
});
