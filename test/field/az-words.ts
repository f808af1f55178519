/** A command of the Azure CLI as far as the kit may use it: its options, each with its other names. */
export interface Words {
  readonly required: readonly (readonly string[])[];
  readonly optional: readonly (readonly string[])[];
}

const GROUP = ['--resource-group', '-g'] as const;
const GROUP_NAME = ['--name', '--resource-group', '-n', '-g'] as const;
const NAME = ['--name', '-n'] as const;
const LOCATION = ['--location', '-l'] as const;
const DPS = ['--dps-name'] as const;

/** Taken by each command, and those that take no value. */
export const GLOBAL = [['--output', '-o'], ['--query'], ['--subscription'], ['--only-show-errors']] as const;
export const FLAGS: readonly string[] = ['--only-show-errors', '--yes', '-y', '--no-wait'];

/**
 * https://learn.microsoft.com/cli/azure/group, …/iot/hub, …/iot/hub/policy, …/iot/dps, …/iot/dps/linked-hub, …/iot/dps/certificate,
 * …/iot/dps/policy and …/iot/device. `--pn` is in the tests of azure-cli (test_iot_dps_commands.py).
 */
export const WORDS: Readonly<Record<string, Words>> = {
  version: { required: [], optional: [] },
  'account show': { required: [], optional: [] },
  'group exists': { required: [GROUP_NAME], optional: [] },
  'group create': { required: [LOCATION, GROUP_NAME], optional: [['--tags'], ['--managed-by']] },
  'group show': { required: [GROUP_NAME], optional: [] },
  'group delete': {
    required: [GROUP_NAME],
    optional: [['--yes', '-y'], ['--no-wait'], ['--force-deletion-types', '-f']],
  },
  'iot hub create': {
    required: [GROUP, NAME],
    optional: [LOCATION, ['--sku'], ['--partition-count'], ['--unit'], ['--tags']],
  },
  'iot hub show': { required: [NAME], optional: [GROUP] },
  'iot hub policy show': { required: [['--hub-name'], NAME], optional: [GROUP] },
  'iot dps create': { required: [GROUP, NAME], optional: [LOCATION, ['--sku'], ['--unit'], ['--tags']] },
  'iot dps show': { required: [NAME], optional: [GROUP] },
  'iot dps policy show': { required: [DPS, ['--pn', '--policy-name']], optional: [GROUP] },
  'iot dps linked-hub create': {
    required: [DPS],
    optional: [
      GROUP,
      ['--hub-name', '--hn'],
      ['--hub-resource-group', '--hrg'],
      ['--connection-string'],
      ['--allocation-weight'],
      ['--apply-allocation-policy'],
      ['--no-wait'],
    ],
  },
  'iot dps certificate create': {
    required: [DPS, ['--certificate-name', '--name', '-n'], ['--path', '-p']],
    optional: [GROUP, ['--verified', '-v']],
  },
  'iot device c2d-message send': {
    required: [['--device-id', '-d']],
    optional: [['--hub-name', '-n'], GROUP, ['--data', '--da']],
  },
};
