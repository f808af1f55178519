const KEY = String.raw`(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')`;
const PATH = `${KEY}(?:\\s*\\.\\s*${KEY})*`;
const HEADER = new RegExp(`^\\s*\\[\\[?\\s*(${PATH})\\s*\\]`);
const ASSIGNMENT = new RegExp(`^\\s*(${PATH})\\s*=`);

/** Multi-line strings, one-line strings, comments: in this order, so that a # or a bracket inside a string counts as text. */
const QUOTED = /"""(?:\\[\s\S]|[^\\])*?"""(?!")|'''[\s\S]*?'''(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*/g;

/**
 * Line numbers of tables and keys in a valid TOML text, by dotted path: smol-toml 1.9.1 has a position for a syntax error
 * only. Keys of inline tables are not found; `lineOf` then answers with the line of the table.
 */
export function keyLines(toml: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  const note = (path: string, line: number) => lines.has(path) || lines.set(path, line);
  let section = '';
  let depth = 0;
  for (const [index, line] of blanked(toml).split('\n').entries()) {
    const header = HEADER.exec(line)?.[1];
    const key = ASSIGNMENT.exec(line)?.[1];
    if (depth === 0 && header !== undefined) {
      section = pathOf(header);
      note(section, index + 1);
    } else if (depth === 0 && key !== undefined)
      note(section === '' ? pathOf(key) : `${section}.${pathOf(key)}`, index + 1);
    const bare = line.replace(QUOTED, '');
    depth += (bare.match(/[[{]/g)?.length ?? 0) - (bare.match(/[\]}]/g)?.length ?? 0);
  }
  return lines;
}

/** Line of the path, or of the nearest table around it; undefined where neither is in the file. */
export function lineOfKey(lines: ReadonlyMap<string, number>, path: string): number | undefined {
  const line = lines.get(path);
  const dot = path.lastIndexOf('.');
  return line ?? (dot < 0 ? undefined : lineOfKey(lines, path.slice(0, dot)));
}

/** The text without comments and contents of multi-line strings, line by line. */
function blanked(toml: string): string {
  return toml.replace(QUOTED, (quoted) =>
    quoted.startsWith('#') || /^("""|''')/.test(quoted) ? quoted.replace(/[^\n]/g, ' ') : quoted,
  );
}

function pathOf(written: string): string {
  const keys = written.match(new RegExp(KEY, 'g')) ?? [];
  return keys.map((key) => (/^["']/.test(key) ? key.slice(1, -1) : key)).join('.');
}
