import { readdirSync, readFileSync } from 'node:fs';

/** Variables by which a program finds others, formats text, and reaches its CA. */
const NEEDED =
  /^(PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY)$/i;

/**
 * The part of our environment that the operator's program needs. The rest is ours: where systemd keeps the PIN
 * (CREDENTIALS_DIRECTORY), its watchdog (sd_notify(3)), the small heap, the engine of hsm/engine.ts, and the operator's
 * settings for the daemon. A program that needs more gets it by name: argv = ["/usr/bin/env", "NAME=value", PROGRAM].
 */
export function neededOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => NEEDED.test(name)));
}

/** O_CLOEXEC of open(2), the same number on every architecture that newleaf runs on. */
const CLOSES = 0o2000000;

/**
 * Descriptors of this process that a program would inherit beyond the first three. node closes its own; PKCS#11 modules open
 * files and sockets without O_CLOEXEC (SoftHSM 2.6.1: fopen(3)). None where there is no /proc.
 */
export function inheritable(): readonly number[] {
  try {
    return readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((fd) => fd > 2 && !closesOnExec(fd));
  } catch {
    return [];
  }
}

/** proc_pid_fdinfo(5): "flags" is octal. A descriptor that is gone was that of the list itself. */
function closesOnExec(fd: number): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & CLOSES) !== 0;
  } catch {
    return true;
  }
}
