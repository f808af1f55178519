import { execFileSync } from 'node:child_process';

const TIME_LIMIT_MS = 5_000;

/** What `Environment=` of the unit and its drop-ins says; empty where there is no systemd, or no unit. */
export function unitEnvironment(): Readonly<Record<string, string>> {
  try {
    const args = ['show', 'newleaf.service', '--property=Environment', '--value'];
    const said = execFileSync('systemctl', args, {
      encoding: 'utf8',
      timeout: TIME_LIMIT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return assignmentsIn(said);
  } catch {
    return {};
  }
}

/** `A=1 "B=two words"`, as systemctl(1) prints a list: words with blanks in double quotes, with C escapes for these two. */
export function assignmentsIn(said: string): Readonly<Record<string, string>> {
  const words = [...said.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replace(/\\(["\\])/g, '$1') ?? plain ?? '',
  );
  return Object.fromEntries(
    words.flatMap((word) => {
      const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
