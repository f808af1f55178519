import { Fault } from '../../failure/failure.ts';
import type { Enclosed } from './archive.ts';
import { DAEMON_PARTS } from './daemon-parts.ts';
import { MACHINE_PARTS } from './machine-parts.ts';
import type { Part, Scene } from './part.ts';
import { redactJson, redactor } from './redact.ts';
import { secretsOf } from './settings.ts';
import { STATE_PARTS } from './state-parts.ts';

export const PARTS: readonly Part[] = [...STATE_PARTS, ...DAEMON_PARTS, ...MACHINE_PARTS];

export interface Collected extends Enclosed {
  readonly about: string;
  /** Why it is incomplete. */
  readonly trouble?: string;
}

/**
 * Makes every part, and takes the secrets out of each. Never throws: where a part fails, its sentence is in its place.
 * @param parts for tests
 */
export async function collect(scene: Scene, parts = PARTS): Promise<readonly Collected[]> {
  const redact = redactor(await secretsOf(scene.settings, scene.env));
  const made = await Promise.all(parts.map((part) => collected(part, scene, redact)));
  return made.flat();
}

async function collected(
  { name, about, isPublic, make }: Part,
  scene: Scene,
  redact: (text: string) => string,
): Promise<readonly Collected[]> {
  try {
    const found = await make(scene);
    if (found === undefined) return [];
    const json = () => `${JSON.stringify(redactJson(found, redact), undefined, 1)}\n`;
    const text = typeof found !== 'string' ? json() : isPublic === true ? found : redact(found);
    return [{ name, about, content: Buffer.from(text) }];
  } catch (error) {
    const trouble = redact(reasonOf(error));
    return [{ name, about, trouble, content: Buffer.from(`This could not be collected. ${trouble}\n`) }];
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Fault) return error.failure.message;
  const { code, path, message = String(error) } = error as Partial<NodeJS.ErrnoException>;
  if (code === 'ENOENT' && path !== undefined) return `There is no ${path}.`;
  if (code === 'EACCES' && path !== undefined) return `This user may not read ${path}: \`newleaf support-bundle\``;
  return message;
}
