import { brokenCode, type CodeEntry, refusedCode, transientCode } from './code.ts';

/** Answers of DPS, the hub and the issuer, and missing answers. */
export const FAR_SIDE = {
  'NL-DPS-401002': refusedCode(
    'DPS does not accept this leaf: neither the leaf nor one of its issuers is enrolled, or the enrollment is disabled.',
    'Operator: enroll the leaf or its issuer in DPS, or enable the enrollment (`newleaf status` prints the thumbprint), then `newleaf reprovision`.',
  ),
  'NL-DPS-404201': refusedCode(
    'DPS knows no such registration ID in this ID scope.',
    'Operator: check dps.id_scope and dps.registration_id, and create the enrollment.',
  ),
  'NL-DPS-DISABLED': refusedCode(
    'The enrollment of this device is disabled in DPS.',
    'Operator: enable the enrollment, then `newleaf reprovision`.',
  ),
  'NL-DPS-REJECTED': refusedCode(
    'DPS refused the MQTT connection (CONNACK 2, 4 or 5): the CN of the leaf and dps.registration_id differ.',
    'Operator: make dps.registration_id equal to the CN of the leaf.',
  ),
  'NL-DPS-REFUSED': refusedCode(
    'DPS answered the registration with a refusal that newleaf has no own code for.',
    'Operator: look up the error code in the message on the DPS side.',
  ),
  'NL-DPS-ALLOCATION': transientCode(
    'DPS accepted the leaf but could assign no hub (none linked, hub refused DPS, or the allocation function failed).',
    'Operator: check the linked hubs and the allocation policy of the enrollment.',
  ),
  'NL-DPS-HUB': refusedCode(
    'DPS assigned a hub that dps.allowed_hubs does not allow. newleaf stays with the hub it has.',
    'Operator: correct the allocation in DPS, or dps.allowed_hubs (then restart newleaf), then `newleaf reprovision`.',
  ),
  'NL-DPS-NO-LEAF': refusedCode(
    'DPS assigned a hub, and issued no leaf: the enrollment names no certificate policy, or is an individual one.',
    'Operator: name a certificate policy in the enrollment group of this device.',
  ),
  'NL-DPS-OTHER': transientCode(
    'DPS refused the request (400, 403 and the like), and says nothing about the leaf.',
    'Operator, if it lasts: look up the error code in the message, and check dps.payload and the network rules of DPS.',
  ),
  'NL-DPS-SCOPE': transientCode(
    'DPS answered "server unavailable" (CONNACK 3): an outage, or an ID scope that does not exist.',
    'If it lasts, check dps.id_scope.',
  ),
  'NL-DPS-THROTTLED': transientCode('DPS is throttling (429).'),
  'NL-DPS-CONFLICT': transientCode('Another registration of the same device was in flight (409).'),
  'NL-DPS-SERVER': transientCode('DPS answered with a server error (5xx).'),
  'NL-DPS-BODY': transientCode('DPS sent an answer that is empty, not JSON, or has no status.'),
  'NL-DPS-UNREACHABLE': transientCode(
    'DPS cannot be reached.',
    'Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
    'Check the network, DNS and the firewall; if they are right, ask the operator of the server.',
  ),
  'NL-DPS-TIMEOUT': transientCode('DPS did not finish the registration in time.'),
  'NL-DPS-UNTRUSTED': transientCode(
    "The DPS endpoint's certificate is not trusted: a TLS-inspecting proxy, a captive portal, or a new root.",
    'Check trust.ca_file and the network with `newleaf check`.',
    'Check trust.ca_file; if it is right, a proxy or a captive portal answers: ask the operator of the network.',
  ),
  'NL-HUB-REJECTED': refusedCode(
    'The hub refused the identity (CONNACK 2, 4 or 5).',
    'Operator, if it lasts: look at the device in the hub. newleaf registers again with DPS by itself.',
  ),
  'NL-HUB-UNAVAILABLE': transientCode(
    'The hub answered "unavailable" (CONNACK 1 or 3): an outage, or a device that is disabled there.',
    'Operator, if it lasts: see whether the hub is up and the device enabled. newleaf keeps trying, and asks DPS in between.',
  ),
  'NL-HUB-UNREACHABLE': transientCode(
    'The hub cannot be reached.',
    'Check the network, DNS and the firewall (port 8883) with `newleaf check`.',
    'Check the network, DNS and the firewall; if they are right, ask the operator of the server.',
  ),
  'NL-HUB-UNTRUSTED': transientCode(
    "The hub's certificate is not trusted: a TLS-inspecting proxy, a captive portal, or a new root.",
    'Check trust.ca_file and the network with `newleaf check`.',
    'Check trust.ca_file; if it is right, a proxy or a captive portal answers: ask the operator of the network.',
  ),
  'NL-HUB-CLOSED': transientCode(
    'The connection ended before the hub said anything about the identity (no CONNACK).',
    'If it lasts and the leaf has not expired, check the network and the firewall with `newleaf check`.',
    'If it lasts and the leaf has not expired, ask the operator of the firewall whether client certificates get through.',
  ),
  'NL-HUB-LOST': transientCode('The session with the hub ended.'),
  'NL-HUB-TWIN': transientCode('The hub accepted the connection but did not answer the twin read.'),
  'NL-HUB-FLAPPING': transientCode(
    'The hub ends the session again and again shortly after accepting it: another client with the same identity, or the daily quota.',
    'Is another program on this gateway connected with the same identity? Stop it, and let it send through newleaf: `newleaf uplink add NAME`. Else, operator: look for a second device with this registration ID, and at the quota of the hub. After that, newleaf connects within 20 minutes, or at once by `newleaf reprovision`.',
  ),
  'NL-EST-UNREACHABLE': transientCode('The EST server cannot be reached.', 'Check issuer.est.url and the network.'),
  'NL-EST-UNTRUSTED': transientCode(
    "The EST server's certificate is not trusted.",
    'Check issuer.est.ca_file, and with `newleaf check` whether its certificate has expired.',
    'Check issuer.est.ca_file; if it is right, ask the operator of the EST server whether its certificate has expired.',
  ),
  'NL-EST-SERVER': transientCode('The EST server answered with a server error (5xx).'),
  'NL-EST-WAIT': transientCode('The EST server accepted the request and asks to come back later (202).'),
  'NL-EST-BODY': transientCode(
    'The answer of the EST server is no certificate response (RFC 7030 section 4.2.3).',
    'Operator of the CA: look at the log of the EST server.',
  ),
  'NL-EST-AUTH': refusedCode(
    'The EST server does not accept our credentials (401 or 403).',
    'Check issuer.est.username and password_file, or the bootstrap identity.',
  ),
  'NL-EST-REFUSED': refusedCode(
    'The EST server refused the request.',
    'Operator of the CA: the answer of the server is in the message.',
  ),
  'NL-CMD-WAIT': transientCode('The command asks to come back later (exit code 1 or 5).'),
  'NL-CMD-REFUSED': refusedCode(
    'The command refused the request (exit code 2).',
    'Operator of the CA: the reason that the command gave is in the message.',
  ),
  'NL-CMD-UNREACHABLE': transientCode(
    'The command cannot reach its CA (exit code 3).',
    'If it lasts, run issuer.command.argv by hand.',
  ),
  'NL-CMD-UNCONFIGURED': brokenCode(
    'The command lacks configuration, or does not support the request (exit code 4 or 6).',
    'Configure the program in issuer.command.argv.',
  ),
  'NL-CMD-FAILED': transientCode(
    'The command failed, and says nothing about the request.',
    'Run issuer.command.argv by hand; what it wrote to stderr is in the log.',
  ),
  'NL-ISSUER-PERSON': refusedCode(
    'This issuer waits for a person to deliver a leaf.',
    'Run `newleaf csr`, have it signed, then `newleaf install FILE`.',
  ),
  'NL-ISSUER-NEW-KEY': refusedCode(
    'The issuer does not sign another leaf for this key.',
    'Set leaf.rotate_key = true, or run `newleaf csr --new-key`.',
  ),
} as const satisfies Record<string, CodeEntry>;
