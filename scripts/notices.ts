import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import licences from 'spdx-license-list/full.js';
import type { Bundled } from './bundled.ts';

const LICENCE = /^(licen[cs]e|notice|copying)(\.\w+)?$/i;

/** What a package brings of others, and who it is: the comment that a file begins with. */
const OF_OTHERS: Readonly<Record<string, readonly string[]>> = {
  // Compiled into the native part.
  pkcs11js: ['includes/pkcs11/pkcs11t.h'],
};

/**
 * The notices that the licences of the packages in these bundles require: for each package its name and version, and its
 * licence texts. Where a package brings none, it is the standard text of the licence that its package.json names.
 * @param root the repository
 */
export async function noticesOf(bundled: Bundled, root: string): Promise<string> {
  const notices = await Promise.all(Object.keys(bundled).map((home) => noticeOf(join(root, home))));
  return notices.join('\n');
}

interface Described {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  /** Who holds the copyright, as far as its package.json tells. */
  readonly author: string;
}

/** What the package in this directory says of itself. */
export async function describedIn(home: string): Promise<Described> {
  // An old package has a list of `licenses`: machina 4.0.2.
  const {
    name,
    version,
    licenses,
    license = licenses?.[0]?.type,
    author,
  } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  return { name, version, license, author: author?.name ?? author ?? `the authors of ${name}` };
}

async function noticeOf(home: string): Promise<string> {
  const { name, version, license, author } = await describedIn(home);
  const files = (await readdir(home)).filter((file) => LICENCE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(home, file), 'utf8')));
  // azure-iot-* 1.x and to-data-view 1.1.0 bring none.
  if (texts.length === 0) texts.push(standardText(license, author));
  for (const file of OF_OTHERS[name] ?? []) texts.push(await commentOf(join(home, file)));
  return [`== ${name} ${version} (${license})`, ...texts.map((text) => text.trim()), ''].join('\n\n');
}

async function commentOf(file: string): Promise<string> {
  const comment = /^\/\*.*?\*\//s.exec(await readFile(file, 'utf8'))?.[0];
  if (comment === undefined) throw new Error(`${file} does not say who it is of`);
  return comment;
}

/** @throws Error where the list of SPDX has no such licence: a person must look what it asks for */
function standardText(license: string, author: string): string {
  const text = licences[license]?.licenseText;
  if (text === undefined) throw new Error(`there is no text of the licence ${license}`);
  return text.replace('<year> <copyright holders>', author);
}
