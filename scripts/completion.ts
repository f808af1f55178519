import { CHECKS } from '../agent/cli/checks/list.ts';
import { ALL_OPTIONS } from '../agent/cli/commands.ts';
import { COMMAND_NAMES, GLOBAL_OPTIONS, type OptionSpec, specOf } from '../agent/cli/table.ts';
import { settingRows } from '../agent/config/config.ts';

const FILES = 'FILE';

/** What may stand where the help shows a placeholder: files. Where nothing is known, nothing is offered. */
const KINDS: Readonly<Record<string, string>> = { FILE: FILES, PLACE: FILES };

/** Options that take one of the words that a setting takes. */
const LIKE_SETTING: Readonly<Record<string, string>> = { issuer: 'leaf.issuer', attestation: 'dps.attestation' };

function offeredFor(option: string, placeholder: string): string {
  const { range = '' } = settingRows().find(({ name }) => name === LIKE_SETTING[option]) ?? {};
  const choices = [...range.matchAll(/"([^"]+)"/g)].map(([, word]) => word);
  return KINDS[placeholder] ?? choices.join(' ');
}

/** Completion for bash, derived from the table of the commands. It needs nothing but bash 4. */
export function bashCompletion(): string {
  const valued = Object.entries(ALL_OPTIONS).flatMap(([long, { short, value }]) =>
    value === undefined ? [] : [{ names: names(long, short).join(' | '), offered: offeredFor(long, value) }],
  );
  return `# Completion of newleaf(8) for bash. Made by scripts/completion.ts.

_newleaf() {
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
        command=\${COMP_WORDS[index]}
        break
        ;;
    esac
  done

  case $before in
${valued.map(({ names, offered }) => `    ${names}) offered='${offered}' ;;`).join('\n')}
    *)
      case $command:$current in
${commandRows().join('\n')}
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

complete -F _newleaf newleaf
`;
}

function commandRows(): readonly string[] {
  const all = [...COMMAND_NAMES, 'help'].join(' ');
  const row = (pattern: string, offered: string) => `        ${pattern}) offered='${offered}' ;;`;
  return [
    row(':-*', optionWords({})),
    row(':*', all),
    row('help:*', COMMAND_NAMES.join(' ')),
    ...COMMAND_NAMES.flatMap((name) => {
      const { options, operands } = specOf(name);
      const placeholder = /[A-Z]+/.exec(operands?.shown ?? '')?.[0] ?? '';
      const offered = name === 'check' ? CHECKS.map(({ id }) => id).join(' ') : KINDS[placeholder];
      return [row(`${name}:-*`, optionWords(options)), ...(offered === undefined ? [] : [row(`${name}:*`, offered)])];
    }),
  ];
}

const names = (long: string, short: string | undefined): readonly string[] => [
  ...(short === undefined ? [] : [`-${short}`]),
  `--${long}`,
];

const optionWords = (options: Readonly<Record<string, OptionSpec>>): string =>
  Object.keys({ ...options, ...GLOBAL_OPTIONS })
    .map((long) => `--${long}`)
    .join(' ');
