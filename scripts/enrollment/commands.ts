import { flagged, type Tool, valued } from '../../agent/cli/kit/tool.ts';
import { versionLine } from '../../agent/cli/version.ts';
import { EXIT } from '../../agent/failure/exit.ts';
import { type Command, EXITS } from './command.ts';
import { ACCESS_COMMANDS } from './commands-access.ts';
import { AZURE_COMMANDS } from './commands-azure.ts';
import { CERTIFICATE_COMMANDS } from './commands-certificates.ts';
import { FLEET_COMMANDS } from './commands-fleet.ts';
import { NAME } from './name.ts';

/** Options of every command. */
const GLOBAL_OPTIONS = {
  dps: valued(
    'CONNECTION',
    'Connection string of DPS; better: NEWLEAF_DPS_CONNECTION, which other users cannot see. Or its host: then `az login`.',
  ),
  hub: valued('CONNECTION', 'The same of the hub; better: NEWLEAF_HUB_CONNECTION.'),
  log: valued('FILE', 'Where a line is added for all that is written into DPS. Default: in the state directory.'),
  yes: flagged('Do not ask.'),
  'dry-run': flagged('Show what would be done, and do nothing.'),
  help: { ...flagged('Explain the command.'), short: 'h' },
} as const;

export const COMMANDS = {
  ...CERTIFICATE_COMMANDS,
  ...ACCESS_COMMANDS,
  ...AZURE_COMMANDS,
  ...FLEET_COMMANDS,
  version: {
    meaning: 'Show the version',
    about: [`For a bug report. \`${NAME} --version\` is the same.`],
    examples: [{ line: `${NAME} version` }],
    run: async ({ desk }) => {
      desk.out.write(versionLine(NAME));
      return EXIT.done;
    },
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export const ENROLL: Tool<CommandName> = {
  name: NAME,
  purpose: `${NAME} is the operator's side of rolling leaves: enrollments in DPS, identities and jobs in IoT Hub.`,
  commands: COMMANDS,
  options: GLOBAL_OPTIONS,
  exits: EXITS,
  begin: [
    'Examples:',
    `  ${NAME} add group gateways --certificate issuing-ca.pem`,
    `  ${NAME} roll-group intermediate gateways --certificate issuing-ca-2.pem`,
    `  ${NAME} reprovision --job "*" --action roll --delay 600`,
    `  ${NAME} promote gateways --pem issuing-ca-2.pem`,
  ],
};
