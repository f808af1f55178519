import { NEWLEAF } from '../../agent/cli/table.ts';
import { type SettingRow, settingRows } from '../../agent/config/config.ts';
import type { CodeEntry } from '../../agent/failure/codes/code.ts';
import { CODES } from '../../agent/failure/failure.ts';
import type { Manual } from '../man.ts';
import { ENVIRONMENT, FILES } from './places.ts';
import { bold, italic, item, literal, paragraph, prose, section } from './roff.ts';

const CONFIGURATION = 'TOML. A key that is not listed is refused. `newleaf config` prints what is in effect.';
const KINDS =
  'Every message carries one. Transient: newleaf keeps trying. Refused: the other side said no. Broken: token, disk or configuration.';

/** newleaf(8): with the settings from the schema, and the failure codes from their list. */
export const NEWLEAF_MANUAL: Manual = {
  tool: NEWLEAF,
  section: 8,
  purpose: 'keep the leaf of an Azure IoT gateway, with its key in an HSM or TPM',
  description: [
    'newleaf keeps the X.509 leaf key of a gateway inside an HSM or TPM (PKCS#11), and turns over a new leaf before the old one fails: a new key in the token, a new certificate with the same CN, registered with the Azure Device Provisioning Service (DPS), proven by a connection to the assigned IoT Hub, and only then is the old one retired.',
    'It does so when the leaf grows old, when the hub calls the direct method reprovision, and when a technician asks. When the hub refuses the leaf, it registers again.',
    'First: `newleaf status`. If something is wrong: `newleaf check`.',
  ],
  more: [
    section('CONFIGURATION', paragraph(CONFIGURATION), ...settingRows().map(settingItem)),
    section('FILES', ...Object.entries(FILES).map(([path, meaning]) => item(italic(path), prose(meaning)))),
  ],
  environment: ENVIRONMENT,
  last: [section('FAILURE CODES', paragraph(KINDS), ...Object.entries(CODES).map(codeItem))],
  seeAlso: [
    ['journalctl', 1],
    ['pkcs11-tool', 1],
    ['systemctl', 1],
  ],
};

function settingItem({ name, type, range, standard, absent, meaning }: SettingRow): string {
  const otherwise = standard === undefined ? (absent === undefined ? 'Required' : `Without it: ${absent}`) : undefined;
  const last = otherwise === undefined ? `Default: ${literal(standard ?? '')}` : prose(otherwise);
  return item(`${bold(name)} (${literal(type)})`, `${prose(meaning)}\n${prose(`Accepted: ${range}.`)}\n${last}.`);
}

function codeItem([code, { kind, means, advice }]: [string, CodeEntry]): string {
  return item(`${bold(code)} (${kind})`, `${prose(means)}\n${prose(advice)}`);
}
