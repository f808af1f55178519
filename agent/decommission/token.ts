import { readPin } from '../../hsm/pin.ts';
import { PinRecord } from '../../hsm/pin-record.ts';
import { openToken, type Token } from '../../hsm/token.ts';
import type { Held } from '../become.ts';
import type { X509Config } from '../config.ts';
import { Fault } from '../roll/failure.ts';
import { failureOf } from '../thrown.ts';

export interface Opened {
  readonly token: Token;
  readonly pin: string;
}

/** Opens the token, with one login. @throws Fault that says that nothing has happened yet, and how to go on */
export async function openOwnToken({ hsm, state }: X509Config, held: Held, env: NodeJS.ProcessEnv): Promise<Opened> {
  try {
    const place = { file: hsm.pin_file, credentialsDirectory: env.CREDENTIALS_DIRECTORY };
    const pin = held.pin ?? (await readPin(place));
    const pinRecord = new PinRecord(state.directory);
    return { pin, token: await openToken({ module: hsm.module, token: hsm.token, uri: hsm.uri, pin, pinRecord }) };
  } catch (error) {
    const { code, message, cause, advice } = failureOf(error);
    const next = {
      'NL-TOKEN-PIN-FILE':
        hsm.pin_file === undefined
          ? 'If the PIN is a sealed credential: systemd-run --pty -p User=newleaf -p ImportCredential=hsm-pin newleaf decommission'
          : advice,
      'NL-TOKEN-MISSING': `${advice} If the token is gone for good, so are its keys: remove ${state.directory}.`,
    }[code as string];
    throw new Fault(code, { message: `${message} Nothing was destroyed.`, cause, advice: next ?? advice });
  }
}
