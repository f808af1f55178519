import { CHECKS } from '../agent/cli/checks/list.ts';
import { allOptions } from '../agent/cli/kit/parse.ts';
import { headsOf, namesOf, type OptionSpec, specOf, type Tool, tailsOf } from '../agent/cli/kit/tool.ts';
import { NEWLEAF } from '../agent/cli/table.ts';
import { settingRows } from '../agent/config/config.ts';
import { POLICY_NAMES } from './enrollment/add.ts';
import { ENROLL } from './enrollment/commands.ts';
import { ACTIONS } from './enrollment/request.ts';

const FILES = 'FILE';

/** Completion for the placeholders of the help: files, or nothing. */
const KINDS: Readonly<Record<string, string>> = { FILE: FILES, PLACE: FILES };

/** Words of an option or a command, by its name. */
type Known = Readonly<Record<string, readonly string[]>>;

/** The words of a setting. */
function wordsOf(setting: string): readonly string[] {
  const { range = '' } = settingRows().find(({ name }) => name === setting) ?? {};
  return [...range.matchAll(/"([^"]+)"/g)].flatMap(([, word]) => word ?? []);
}

export const newleafCompletion = (): string =>
  bashCompletion(NEWLEAF, {
    issuer: wordsOf('leaf.issuer'),
    attestation: wordsOf('dps.attestation'),
    check: CHECKS.map(({ id }) => id),
  });
export const enrollCompletion = (name = ENROLL.name): string =>
  bashCompletion({ ...ENROLL, name }, { policy: POLICY_NAMES, action: ACTIONS });

/** Completion for bash, derived from the table of the commands. It needs nothing but bash 4. */
function bashCompletion(tool: Tool, known: Known): string {
  const valued = Object.entries(allOptions(tool)).flatMap(([long, { short, value }]) =>
    value === undefined
      ? []
      : [{ names: names(long, short).join(' | '), offered: KINDS[value] ?? known[long]?.join(' ') ?? '' }],
  );
  const longer = headsOf(tool).filter((head) => tailsOf(tool, head).length > 0);
  const goesOn = longer.length === 0 ? '' : `case $command in help | ${longer.join(' | ')}) ;; *) break ;; esac`;
  return `# Completion of ${tool.name} for bash. Made by scripts/completion.ts.

_${tool.name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command='' offered='' index
  # bash takes --config=FILE apart at the sign.
  if [[ $current == = ]]; then current=''
  elif [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi

  for ((index = 1; index < COMP_CWORD; index++)); do
    case \${COMP_WORDS[index]} in
      ${valued.map(({ names }) => names).join(' | ')})
        [[ \${COMP_WORDS[index + 1]} != = ]] || ((index++))
        ((index++))
        ;;
      -*) ;;
      *)
        command+=\${command:+ }\${COMP_WORDS[index]}
        ${goesOn === '' ? 'break' : goesOn}
        ;;
    esac
  done

  case $before in
${valued.map(({ names, offered }) => `    ${names}) offered='${offered}' ;;`).join('\n')}
    *)
      case $command:$current in
${commandRows(tool, known).join('\n')}
      esac
      ;;
  esac

  if [[ $offered == FILE ]]; then
    compopt -o default
    COMPREPLY=()
  else
    mapfile -t COMPREPLY < <(compgen -W "$offered" -- "$current")
  fi
}

complete -F _${tool.name} ${tool.name}
`;
}

function commandRows(tool: Tool, known: Known): readonly string[] {
  const heads = headsOf(tool);
  const row = (command: string, current: string, words: readonly string[] | string) =>
    `        ${command.includes(' ') ? `'${command}'` : command}:${current}) offered='${[words].flat().join(' ')}' ;;`;
  return [
    row('', '-*', optionWords(tool, {})),
    row('', '*', [...heads, 'help']),
    row('help', '*', [...heads, ...Object.keys(tool.topics ?? {})]),
    ...heads.flatMap((head) => {
      const tails = tailsOf(tool, head);
      return tails.length === 0 ? [] : [row(head, '*', tails), row(`help ${head}`, '*', tails)];
    }),
    ...namesOf(tool).flatMap((name) => {
      const { options, operands } = specOf(tool, name);
      const placeholder = /[A-Z]+/.exec(operands?.shown ?? '')?.[0] ?? '';
      const offered = known[name] ?? KINDS[placeholder];
      return [row(name, '-*', optionWords(tool, options)), ...(offered === undefined ? [] : [row(name, '*', offered)])];
    }),
  ];
}

const names = (long: string, short: string | undefined): readonly string[] => [
  ...(short === undefined ? [] : [`-${short}`]),
  `--${long}`,
];

const optionWords = (tool: Tool, options: Readonly<Record<string, OptionSpec>>): readonly string[] =>
  Object.keys({ ...options, ...tool.options }).map((long) => `--${long}`);
