import { at, picture, text } from '../../scripts/pictures/paper.ts';

/** What is looked at now and then: memory in MiB, sizes in KB. */
export interface Look {
  readonly anon: number;
  readonly pss: number;
  readonly descriptors: number;
  /** Files of objects in the token. */
  readonly objects: number;
  readonly stateKb: number;
  /** What has reached the device of the state directory. */
  readonly writtenKb: number;
}

/** One thing that was done often. */
export interface Flat {
  readonly name: string;
  readonly looks: readonly (Look & { readonly done: number })[];
}

const FONT = "13px -apple-system,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif";
const [WIDTH, HEIGHT] = [860, 260];
const [LEFT, TOP, PANEL, GAP, DEEP] = [56, 64, 240, 30, 140];

/** Memory of a daemon over all that it did, a panel for each thing: SVG. */
export function longRun(phases: readonly Flat[]): string {
  const most = Math.max(...phases.flatMap(({ looks }) => looks.map(({ pss }) => pss)));
  const top = Math.ceil(most / 20) * 20;
  const title = 'Memory at rest, in MiB: PSS above, and the part that is its own';
  const scale = [0, top / 2, top].map((mib) =>
    text(LEFT - 10, TOP + DEEP * (1 - mib / top) + 5, String(mib), { anchor: 'end', colour: 'faint' }),
  );
  const panels = phases.flatMap(({ name, looks }, index) => {
    const left = LEFT + index * (PANEL + GAP);
    const done = looks.at(-1)?.done ?? 1;
    const curve = (of: 'pss' | 'anon', colour: string) => {
      const points = looks.map(
        (look) => `${at(left + (PANEL * look.done) / done)},${at(TOP + DEEP * (1 - look[of] / top))}`,
      );
      return `<polyline points="${points.join(' ')}" class="s-${colour}" fill="none" stroke-width="2"/>`;
    };
    return [
      `<path d="M${at(left)} ${TOP}v${DEEP}h${PANEL}" class="s-line" fill="none"/>`,
      curve('pss', 'work'),
      curve('anon', 'next'),
      text(left + PANEL / 2, TOP + DEEP + 24, `${done.toLocaleString('en')} ${name}`, { anchor: 'middle' }),
    ];
  });
  return picture(WIDTH, HEIGHT, FONT, title, [text(24, 28, title, { isBold: true }), ...scale, ...panels]);
}
