import { x509Of } from '../../config.ts';
import { type Check, failed, ok, warning } from './check.ts';

const OTHERS = 0o007;
const GROUP_AND_OTHERS = 0o077;

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

export const permissions: Check = {
  id: 'permissions',
  describes: 'PIN and state are readable only by those who need them.',
  needs: ['configuration'],
  async look(site) {
    const { config } = await site.config();
    const { hsm, state } = x509Of(config);
    const pin = hsm.pin_file === undefined ? 'absent' : await site.mode(hsm.pin_file);
    if (pin !== 'absent' && (pin & OTHERS) !== 0) {
      const message = `Everybody on this gateway may use the PIN: ${hsm.pin_file} has mode ${octal(pin)}.`;
      return failed('NL-TOKEN-PIN-FILE', message, `chmod 0600 ${hsm.pin_file}`);
    }
    const directory = await site.mode(state.directory);
    if (directory !== 'absent' && (directory & OTHERS) !== 0) {
      const message = `The state directory ${state.directory} has mode ${octal(directory)}, and should have 0750.`;
      return warning(message, `chmod 0750 ${state.directory}`);
    }
    if (pin !== 'absent' && (pin & GROUP_AND_OTHERS) !== 0) {
      const message = `${hsm.pin_file} has mode ${octal(pin)}: its group may use the PIN.`;
      return warning(message, `chmod 0600 ${hsm.pin_file}`);
    }
    return ok('PIN and state are kept from others.');
  },
};
