import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstProvisioning, roll } from './demonstration/leaf-stories.ts';
import { openStage } from './demonstration/stage.ts';
import { rollOf, rollPicture } from './pictures/roll.ts';
import { terminal } from './pictures/terminal.ts';

const save = (name: string, svg: string): void => writeFileSync(join(import.meta.dirname, 'pictures', name), svg);

/** What the demo prints between two lines. */
function part(told: string, from: string, to: string): string {
  const [, after = ''] = told.split(from);
  const [found = ''] = after.split(to);
  return `${from}${found}`.trim();
}

/** The pictures of README.md, from stories that are really played: `npx tsx scripts/pictures.ts`, half a minute. */
async function pictures(): Promise<void> {
  const demo = ['--import', 'tsx', join(import.meta.dirname, 'demo.ts')];
  const told = execFileSync(process.execPath, demo, {
    encoding: 'utf8',
    env: { ...process.env, LANG: 'C.UTF-8', NO_COLOR: '1' },
  });
  const SEEN = 'What a technician sees: newleaf status';
  save(
    'demo.svg',
    terminal(
      'The demo in a terminal: eight stories, each line seen by the far side or in the token.',
      `$ scripts/demo\n\n${part(told, '1. First provisioning', SEEN)}`,
    ),
  );
  const status = part(told, SEEN, '\nAll eight stories').replaceAll(/^\| ?/gm, '').replace(SEEN, '$ newleaf status');
  save(
    'status.svg',
    terminal(
      'newleaf status: the leaf and its end, the planned renewal, the hub, the last transitions, and what to do.',
      status,
    ),
  );

  const stage = await openStage();
  try {
    await firstProvisioning(stage);
    const since = { log: stage.gateway.log.lines.length, far: stage.far.log.entries.length };
    await roll(stage);
    save('roll.svg', rollPicture(rollOf(stage, since)));
  } finally {
    await stage.gateway.remove();
    await stage.far.close();
  }
}

if (process.argv[1] === import.meta.filename) await pictures();
