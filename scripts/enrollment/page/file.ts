import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Failed } from '../../../agent/cli/kit/command.ts';
import { fileTrouble } from '../file-trouble.ts';
import { htmlOf } from './html.ts';
import { type Fleet, modelOf } from './model.ts';

/** The script of the page, made by scripts/operator/package.ts. */
declare const FLEET_PAGE: string | undefined;

/** The options of esbuild for the script of the page: package and clone make the same one. */
export const PAGE_BUILD = {
  bundle: true,
  write: false,
  minify: true,
  format: 'iife',
  platform: 'browser',
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning',
} as const;

/** In a clone it is made when it is wanted. */
async function script(): Promise<string> {
  if (typeof FLEET_PAGE === 'string') return FLEET_PAGE;
  const { build } = await import('esbuild');
  const entry = fileURLToPath(new URL('client.ts', import.meta.url));
  const { outputFiles } = await build({ ...PAGE_BUILD, entryPoints: [entry] });
  return outputFiles.map(({ text }) => text).join('');
}

/** Writes the page. It has all in it, and asks no server for anything. @throws Failed where the file cannot be written */
export async function fleetFile(file: string, fleet: Fleet): Promise<void> {
  const text = htmlOf(modelOf(fleet), await script());
  await writeFile(file, text).catch((error: Error) => {
    throw new Failed(`${file} cannot be written: ${fileTrouble(error)}.`);
  });
}
