/** @throws Error where a test would change the tokens and modules of the machine that it runs on */
export function assertAlone(): void {
  if (process.env.NEWLEAF_TEST_ALONE !== 'inside') throw new Error('Run this by `scripts/test modules`.');
}

/** Where Debian puts libraries of this architecture. */
export const LIBRARIES = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
