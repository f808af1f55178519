import { usageOf } from '../agent/cli/help.ts';
import { COMMAND_NAMES, type CommandName, EXITS, GLOBAL_OPTIONS, type OptionSpec, specOf } from '../agent/cli/table.ts';
import { type SettingRow, settingRows } from '../agent/config/config.ts';
import type { CodeEntry } from '../agent/failure/codes/code.ts';
import { CODES } from '../agent/failure/failure.ts';
import { ENVIRONMENT, FILES } from './man/places.ts';
import { bold, italic, item, literal, paragraph, prose, section, subsection } from './man/roff.ts';

/**
 * The page newleaf(8), in man(7). Everything in it is derived from where it is used: commands and exit codes from the table
 * of the help, settings from the schema, failure codes from their list.
 * @param at milliseconds since the epoch
 */
export function manualPage(version: string, at: number): string {
  const day = new Date(at).toISOString().slice(0, 10);
  const parts = [
    '.\\" Made by scripts/man.ts.',
    `.TH NEWLEAF 8 ${day} "newleaf ${version}" "System Manager's Manual"`,
    section('NAME', 'newleaf \\- keep the leaf of an Azure IoT gateway, with its key in an HSM or TPM'),
    section('SYNOPSIS', `${bold('newleaf')} ${italic('COMMAND')} [${italic('OPTION')}...]`),
    section('DESCRIPTION', ...DESCRIPTION.map(paragraph)),
    section('COMMANDS', ...COMMAND_NAMES.map(commandPart)),
    section('OPTIONS OF EVERY COMMAND', ...Object.entries(GLOBAL_OPTIONS).map(optionItem)),
    section('EXIT STATUS', ...Object.entries(EXITS).map(([code, meaning]) => item(bold(code), prose(meaning)))),
    section('CONFIGURATION', paragraph(CONFIGURATION), ...settingRows().map(settingItem)),
    section('FILES', ...Object.entries(FILES).map(([path, meaning]) => item(italic(path), prose(meaning)))),
    section('ENVIRONMENT', ...Object.entries(ENVIRONMENT).map(([name, meaning]) => item(bold(name), prose(meaning)))),
    section('FAILURE CODES', paragraph(KINDS), ...Object.entries(CODES).map(codeItem)),
    section('SEE ALSO', SEE_ALSO.map(([name, part]) => `.BR ${literal(name)} (${part})`).join(' ,\n')),
  ];
  return `${parts.join('\n')}\n`;
}

const DESCRIPTION = [
  'newleaf keeps the X.509 leaf key of a gateway inside an HSM or TPM (PKCS#11), and turns over a new leaf before the old one fails: a new key in the token, a new certificate with the same CN, registered with the Azure Device Provisioning Service (DPS), proven by a connection to the assigned IoT Hub, and only then is the old one retired.',
  'It does so when the leaf grows old, when the hub calls the direct method reprovision, and when a technician asks. When the hub refuses the leaf, it registers again.',
  'First: `newleaf status`. If something is wrong: `newleaf check`.',
];

const CONFIGURATION = 'TOML. A key that is not listed is refused. `newleaf config` prints what is in effect.';
const KINDS =
  'Every message carries one. Transient: newleaf keeps trying. Refused: the other side said no. Broken: token, disk or configuration.';
const SEE_ALSO = [
  ['journalctl', 1],
  ['pkcs11-tool', 1],
  ['systemctl', 1],
] as const;

function commandPart(name: CommandName): string {
  const { meaning, about, options, examples, exits } = specOf(name);
  const ends = Object.entries(exits).map(([code, when]) => `${code} ${inSentence(when)}`);
  return subsection(
    headingOf(name),
    paragraph(`${meaning}.`),
    ...about.map(paragraph),
    ...Object.entries(options).map(optionItem),
    paragraph(`Exits: ${ends.join(' · ')}.`),
    ...examples.map(({ line, meaning: what }) => item(bold(line), prose(what))),
  );
}

/** The usage, where it is short; the options are all explained below it. */
function headingOf(name: CommandName): string {
  const usage = usageOf(name).replace('Usage: ', '');
  return usage.length > 72 ? `newleaf ${name} [OPTION...]` : usage;
}

/** "Told to stop." as a part of a sentence. */
const inSentence = (text: string): string => text.replace(/\.$/, '');

function optionItem([long, { short, value, meaning }]: [string, OptionSpec]): string {
  const names = [...(short === undefined ? [] : [bold(`-${short}`)]), bold(`--${long}`)];
  return item(`${names.join(', ')}${value === undefined ? '' : ` ${italic(value)}`}`, prose(meaning));
}

function settingItem({ name, type, range, standard, absent, meaning }: SettingRow): string {
  const otherwise = standard === undefined ? (absent === undefined ? 'Required' : `Without it: ${absent}`) : undefined;
  const last = otherwise === undefined ? `Default: ${literal(standard ?? '')}` : prose(otherwise);
  return item(`${bold(name)} (${literal(type)})`, `${prose(meaning)}\n${prose(`Accepted: ${range}.`)}\n${last}.`);
}

function codeItem([code, { kind, means, advice }]: [string, CodeEntry]): string {
  return item(`${bold(code)} (${kind})`, `${prose(means)}\n${prose(advice)}`);
}
