import { join } from 'node:path';
import { DEVICE, type Stage } from './stage.ts';

/** What to type while the gateway and its far side go on. */
export const playground = (stage: Stage): string => `
All eight stories happened, and the gateway goes on. In another terminal, here:
  export NEWLEAF_CONFIG=${stage.gateway.configuration}
  export SOFTHSM2_CONF=${stage.gateway.token.hsm.environment.SOFTHSM2_CONF ?? ''}
  node dist/newleaf.js status --watch
  node dist/newleaf.js roll --wait
  node dist/newleaf.js check
  node dist/newleaf.js uplink add sensors
${operator(stage)}
Ctrl-C ends it here, and removes all of it.`;

/** The simulated services of Azure are at port 443, because a connection string has no port. */
function operator({ far, gateway }: Stage): string {
  // The last move was to the second hub.
  const { dpsService, hub2Service } = far.endpoints;
  if (/HostName=[^;]*:/.test(dpsService)) {
    return `The operator's side needs port 443: run this as root, or first
  sudo sysctl net.ipv4.ip_unprivileged_port_start=443`;
  }
  return `As its operator:
  export NODE_EXTRA_CA_CERTS=${join(gateway.directory, 'trust.pem')}
  export NEWLEAF_DPS_CONNECTION='${dpsService}'
  export NEWLEAF_HUB_CONNECTION='${hub2Service}'
  alias enroll=scripts/enroll
  enroll show device ${DEVICE}
  enroll reprovision ${DEVICE} --action roll
  enroll fleet`;
}
