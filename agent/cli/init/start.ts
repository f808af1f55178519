import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dialogue } from './dialogue.ts';

const UNITS = ['/etc/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'];

export function tellToStart(dialogue: Dialogue): void {
  const isInstalled = UNITS.some((directory) => existsSync(join(directory, 'newleaf.service')));
  const start = isInstalled ? 'Now start the daemon' : 'Now run the daemon as a service (newleaf run)';
  dialogue.say(`${start}, and look at it:`);
  dialogue.copy(`${isInstalled ? '    sudo systemctl enable --now newleaf\n' : ''}    newleaf status`);
}
