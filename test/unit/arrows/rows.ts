/** An arrow that is typed by a test in its situation. */
export interface Arrow {
  readonly situation: string;
  /** Codes, or files with the text, as printed.ts names them. */
  readonly at: readonly string[];
  readonly types: readonly string[];
  readonly changes: string;
  /** Where it is typed: a file, and words of the name of the test or of the situation in it. */
  readonly test: readonly [file: string, name: string];
}

/** Situation | where its arrow stands; … | what is typed; … | what that changes | where › test. */
const ROWS = `
DPS has refused a leaf that is enrolled now | NL-DPS-401002; agent/dps/refusal.ts; agent/cli/status/advise.ts | newleaf reprovision | DPS takes it | test/e2e/cli.test.ts › 4 a person: the enrollment does not know the next leaf
the enrollment was disabled | NL-DPS-DISABLED; agent/cli/checks/azure.ts | newleaf reprovision | DPS takes the leaf | test/e2e/check/breakages.ts › enrollment disabled
the enrollment named no certificate policy | NL-AZURE-POLICY | newleaf roll | Azure issues the leaf | test/e2e/azure/provisioning.test.ts › the enrollment names no policy
the CA refused the CSR | NL-AZURE-REFUSED | newleaf roll | Azure issues the leaf | test/e2e/azure/refusals.test.ts › the hub refuses the CSR
DPS assigned a hub of MQTT 5 | NL-AZURE-MQTT5 | newleaf reprovision | the gateway goes to its hub | test/e2e/azure/refusals.test.ts › a hub of MQTT 5 is refused
the onboarding certificate was not enrolled | agent/keys/onboarding.ts | newleaf reprovision | DPS takes it | test/e2e/azure/refusals.test.ts › the onboarding certificate is not enrolled
the onboarding certificate has expired | NL-ONBOARDING-EXPIRED | newleaf install --onboarding FILE | DPS takes the new one | test/e2e/azure/refusals.test.ts › the onboarding certificate has expired
the onboarding certificate nears its end, or has ended | NL-ONBOARDING-EXPIRING; NL-ONBOARDING-EXPIRED; agent/cli/request/csr.ts | newleaf csr --onboarding; newleaf install --onboarding FILE | DPS is shown another certificate | test/e2e/azure/refusals.test.ts › the onboarding certificate nears its end
there is no onboarding certificate yet | agent/keys/onboarding.ts; agent/cli/onboarding.ts | newleaf csr --onboarding; newleaf install --onboarding FILE | init goes on | test/e2e/init/azure.deep.test.ts › without a factory key: init makes one
the onboarding certificate is to be replaced, and lies in the token | agent/keys/onboarding-file.ts | systemctl restart newleaf | the file that is named counts | test/e2e/azure/refusals.test.ts › the onboarding certificate cannot be replaced
newleaf may not write the onboarding certificate | agent/keys/onboarding-file.ts | install -m 644 FILE …; newleaf reprovision | DPS is shown it | test/e2e/azure/refusals.test.ts › the onboarding certificate cannot be replaced
the hub was not allowed | NL-DPS-HUB | newleaf reprovision | the gateway follows | test/e2e/allowed-hubs.test.ts › DPS assigns a hub that is not allowed
another client has the same identity | NL-HUB-FLAPPING | newleaf uplink add NAME; newleaf reprovision | it sends through newleaf, the session stays | test/system/cures.test.ts › another client with the same identity
a person is to bring the leaf | NL-ISSUER-PERSON; agent/cli/request/csr.ts; agent/cli/init/enrollment.ts | newleaf csr; newleaf install FILE | the gateway has it | test/e2e/arrows.test.ts › a person is to bring the leaf
the next key cannot be used | NL-ISSUER-NEW-KEY; agent/keys/slots.ts | newleaf csr --new-key | a key of the new type | test/e2e/arrows.test.ts › leaf.key_type is changed while a person has the CSR
the key of the CSR is lost | agent/daemon/delivery.ts | newleaf csr --new-key | another key | test/e2e/arrows.test.ts › the key of the CSR is lost
the leaf nears its end, and the CA is well again | NL-LEAF-EXPIRING; agent/cli/status/advise.ts | newleaf roll | a new leaf | test/e2e/arrows.deep.test.ts › the leaf nears its end, and the CA gave no other
the issuer refused, and is well again | agent/failure/advice.ts | newleaf roll --wait | a new leaf | test/e2e/check/breakages.ts › leaf expired
the issuer did not answer for its configuration | agent/cli/status/advise.ts | systemctl restart newleaf | it is asked at once | test/e2e/corrected-password.test.ts › as printed, brings the first leaf
the leaf has ended, and the CA gives no other | NL-LEAF-EXPIRED; agent/roll/wrong.ts | newleaf csr; newleaf install FILE | a leaf of another CA | test/e2e/arrows.deep.test.ts › the leaf has expired, and the CA gives no other
a leaf that no CSR has asked for | NL-LEAF-KEY; agent/daemon/delivery.ts | newleaf csr | its leaf is taken | test/e2e/arrows.test.ts › a leaf for which there is no CSR
the next leaf waits, and another is wanted | agent/daemon/delivery.ts | newleaf roll --discard | another leaf waits | test/e2e/arrows.test.ts › the next leaf waits for its enrollment
the TPM was not enrolled yet | agent/dps/tpm/attest.ts | newleaf reprovision | DPS takes it | test/e2e/tpm/registration.test.ts › a gateway that starts before its enrollment is stranded
a CSR, where there is no leaf | NL-TPM-NO-LEAF | newleaf reprovision | another key of the TPM | test/e2e/tpm/registration.test.ts › a CSR of a gateway without a leaf
the registration ID is not that of the leaf | agent/roll/misnamed.ts; agent/cli/init/settings.ts | newleaf decommission; newleaf init | a gateway of that ID | test/system/arrows-lost.ts › another registration ID for a gateway that has a leaf
the budget of requests is used up | NL-BUDGET | newleaf reprovision | it is done at once | test/e2e/arrows.test.ts › the budget of the hub is used up
newleaf stands still by a defect of its own | NL-NO-WAY | newleaf reprovision | it is done at once | test/unit/daemon/pauses.test.ts › a technician who asks a hundred times in a row
work that goes round in circles is slowed down | NL-BUDGET-BRAKED | newleaf reprovision | it is done at once | test/unit/daemon/pauses.test.ts › whoever asks is served at once
port 8883 is closed, and 443 is not tried | agent/cli/checks/check.ts | systemctl restart newleaf | the gateway goes by 443 | test/e2e/network.test.ts › mqtt, and a proxy that lets only 443 through
a file cannot be written | agent/cli/request/csr.ts | newleaf csr -o FILE | the CSR is in another | test/e2e/arrows.test.ts › a person is to bring the leaf
the token is lost | NL-TOKEN-MISSING; hsm/module.ts | systemctl stop newleaf; newleaf init --ask; systemctl start newleaf; newleaf roll --wait | another token, key and leaf | test/system/cures.test.ts › a token that is lost, with the key of the leaf
the token that 'init' is given has another key | agent/cli/init/provision.ts; agent/failure/advice.ts | systemctl start newleaf; newleaf roll --wait | another key | test/system/cures.test.ts › a token that is lost, with the key of the leaf
the PIN is wrong | NL-TOKEN-PIN | systemctl restart newleaf | the gateway serves | test/system/arrows-lost.ts › the PIN is wrong
the token was given the PIN again that it had refused | hsm/pin-record.ts | rm …; systemctl restart newleaf | the gateway serves | test/e2e/refused-pin.test.ts › the token has refused the PIN, and is given that PIN again
one try of the PIN is left | hsm/token.ts | systemctl restart newleaf | the gateway serves | test/e2e/refused-pin.test.ts › one try is left
there is no PIN | NL-TOKEN-PIN-FILE | systemctl restart newleaf | the gateway serves | test/system/arrows-lost.ts › the PIN is away
the PIN was locked | NL-TOKEN-PIN-LOCKED | systemctl restart newleaf | the gateway serves | test/system/locked-pin.test.ts › as printed
the key of the leaf is lost | NL-TOKEN-KEY; agent/failure/advice.ts | newleaf roll --wait | another key and leaf | test/e2e/check/breakages.ts › key missing
the same, and a person brings the leaf | NL-LEAF-EXPIRING; NL-TOKEN-MISSING; NL-TOKEN-KEY; NL-TOKEN-OCCUPIED; hsm/module.ts; agent/failure/advice.ts | newleaf csr; newleaf install FILE | another key and leaf | test/e2e/by-person.test.ts › the key of a leaf that a person has brought is lost
another key has its CKA_ID | agent/failure/advice.ts | newleaf roll --wait | a key with an ID of its own | test/e2e/shared-id.test.ts › roll
a key of another program is in the next place | NL-TOKEN-OCCUPIED | systemctl restart newleaf; newleaf roll --wait | a key with another name | test/system/arrows-lost.ts › a key of another program is in the next place
the state is lost, and the token has the leaf | agent/keys/occupied.ts | systemctl stop newleaf; newleaf init --adopt token --yes; systemctl start newleaf | the gateway goes on with it | test/system/arrows-lost.ts › the state is lost, and the token has the leaf
the same, to begin anew | agent/keys/occupied.ts | newleaf decommission; newleaf init | another key and leaf | test/system/arrows-lost.ts › the state is lost, and the person begins anew
the key is one that the token does not protect | agent/cli/checks/token.ts; agent/failure/advice.ts | newleaf roll; newleaf roll --wait | a key of the token | test/e2e/init/adopt.deep.test.ts › from a key and a leaf in files
the daemon may not read its token | hsm/hidden-tokens.ts; agent/cli/proof/token-words.ts | chown -R …: …; chown -R newleaf: /var/lib/softhsm/tokens | the token is there | test/system/arrows-lost.ts › the daemon may not read its token
the tokens of SoftHSM were not mounted | hsm/hidden-tokens.ts | systemctl restart newleaf | the token is there | test/system/arrows-lost.ts › the directory of the tokens is not mounted
the tokens of SoftHSM are lost | hsm/hidden-tokens.ts | systemctl stop newleaf; install -d -o … -m 700 …; newleaf init --new-token softhsm; systemctl start newleaf | another token, key and leaf | test/system/arrows-lost.ts › the tokens are lost
the file of a token is empty | hsm/hidden-tokens.ts | newleaf init … | another token, key and leaf | test/e2e/init/damaged-token.deep.test.ts › without a copy, the file is named; a new token gets a new key and a new leaf
a key that the token did not destroy is in the way, and is gone | agent/failure/advice.ts | newleaf roll --wait | another key and leaf | test/system/faulty-token.test.ts › a token that destroys no key
the same, and a person brings the leaf | agent/roll/undestroyed.ts | newleaf csr | a CSR | test/e2e/by-person.test.ts › the place of the next key is not free
the same, before its place is needed | agent/roll/undestroyed.ts | systemctl restart newleaf | nothing is wrong | test/e2e/undestroyed.test.ts › a key that the token has not destroyed
leaves are due when they come | agent/certificate/verify.ts | systemctl restart newleaf | the next one is taken | test/unit/roll/terms.test.ts › fittingRenewal
a setting was wrong | NL-CONFIG; agent/failure/failure-of.ts | systemctl restart newleaf | the gateway serves | test/system/arrows-lost.ts › a line of the configuration is wrong
/etc/newleaf was lost, and is restored | agent/config/lost.ts | systemctl restart newleaf | the gateway serves | test/system/arrows-lost.ts › the configuration is lost
it is not restored | agent/config/read.ts; agent/config/config.ts | newleaf init…; newleaf init | the leaf and its token go on | test/e2e/init/lost-configuration.deep.test.ts › the printed command goes on with leaf and token
the program is damaged | agent/launch/damaged.ts | apt-get install --reinstall newleaf | it starts | test/unit/launch/start.test.ts › one sentence, with the cure
newleaf is installed, and not set up | agent/cli/words.ts; agent/cli/checks/token.ts | newleaf init | it is | test/system/not-set-up.test.ts › once it is set up it comes up with the machine
the state file is damaged | NL-STATE-CORRUPT | newleaf init --adopt token --yes; systemctl start newleaf | the gateway goes on with its leaf | test/system/arrows-lost.ts › the state file is damaged, and there is none
the state file is root's | NL-STATE-OWNER | chown newleaf: /var/lib/newleaf/state.json; systemctl start newleaf | the gateway serves | test/system/arrows-lost.ts › the state file was put back by root, under a unit of another
the state was of a newer newleaf | NL-STATE-NEWER | systemctl start newleaf | the gateway serves | test/system/arrows-lost.ts › the state file is of a newer newleaf
the same, and this is a container | agent/machine/contained.ts | docker rm --force newleaf | the newer image can be run | test/container/arrows.test.ts › the state is of a newer newleaf
the gateway was given up | NL-STATE-DECOMMISSIONED; agent/cli/decommission/words.ts | newleaf init | it begins anew | test/system/arrows-lost.ts › this gateway was given up
it is to stay so | NL-STATE-DECOMMISSIONED; agent/cli/decommission/words.ts | systemctl disable newleaf | nothing starts it at boot | test/system/arrows.ts › nothing starts the daemon at boot
the daemon was stopped | NL-DAEMON-DOWN | systemctl start newleaf | the gateway serves | test/system/arrows.ts › the daemon was stopped
the daemon does not answer | agent/control/client.ts | systemctl restart newleaf | it answers | test/system/arrows.ts › the daemon has stopped to answer
its socket was removed | NL-CONTROL-GONE | systemctl restart newleaf | it answers | test/system/arrows.ts › the control socket was removed
a user may not ask it | NL-CONTROL-DENIED | usermod -aG newleaf USER | the user may | test/system/arrows.ts › a user who may not ask the daemon
the unit is disabled | agent/cli/checks/daemon.ts | systemctl enable newleaf | it starts at boot | test/system/arrows.ts › nothing starts the daemon at boot
the unit is masked | agent/cli/checks/daemon.ts | systemctl unmask newleaf | it can be started | test/system/arrows.ts › the unit is masked
a drop-in took the watchdog away | agent/cli/checks/daemon.ts | systemctl daemon-reload; systemctl restart newleaf | it has one | test/system/arrows.ts › the unit has lost its watchdog
the user newleaf was deleted | agent/cli/checks/daemon.ts | systemd-sysusers; systemctl restart newleaf | the gateway serves | test/system/arrows.ts › the user of the daemon was deleted
another version is installed than runs | agent/cli/checks/daemon.ts | systemctl restart newleaf | the installed one runs | test/system/arrows.ts › another version is installed than runs
two daemons had the same setting | agent/cli/checks/check.ts | systemctl restart newleaf | the warning is gone | test/system/arrows.ts › two daemons have one registration ID
the state directory is of another user | agent/cli/checks/state.ts; agent/cli/checks/closed.ts | chown -R …: … | the daemon may write | test/system/arrows.ts › the state directory is of another user
a file of the state is | agent/cli/checks/closed.ts | chown …: … | the daemon may read | test/system/arrows.ts › a file of the state is of another user
all users may look into it | agent/cli/checks/permissions.ts | chmod 0750 … | they may not | test/system/arrows.ts › all users may look into the state directory
the daemon may not read its configuration | agent/config/closed.ts | chmod 0644 … | it may | test/system/arrows.ts › the daemon may not read its configuration
a password is for all, or not for the daemon | agent/cli/checks/closed.ts | chown … …; chmod 0600 … | it is for the daemon alone | test/system/arrows.ts › nor a password
a group may read a PIN, and newleaf has no user of its own | agent/cli/checks/permissions.ts | chmod 0600 … | it may not | test/unit/cli/checks/files.ts › PIN for its group
a file that it reads is in a directory of another | agent/config/closed.ts | chmod o+x … | the daemon may read | test/unit/config/closed.test.ts › the first part of the way that is closed is named
its directory is closed | agent/config/closed.ts; agent/config/config.ts | chmod 0755 …; systemctl restart newleaf | the gateway serves | test/system/arrows.ts › the directory of the configuration is closed
the issuer's program cannot be run | agent/cli/checks/issuer.ts | chmod 0755 … | it can | test/system/arrows.ts › the program of the issuer cannot be run
connections fill its socket | NL-CONTROL-BUSY | systemctl restart newleaf | it answers | test/system/arrows.ts › connections that are not accepted fill its socket
there is no program yet | agent/cli/uplink/screen.ts | newleaf uplink add NAME | there is one | test/system/uplink.test.ts › programs of the gateway, under the real unit
the directory of the sockets is away | agent/cli/checks/uplink.ts | systemd-tmpfiles --create; systemctl restart newleaf | the sockets are there | test/system/arrows.ts › the directory of the sockets is away
it is of another user | agent/cli/checks/uplink.ts | chown … … | the daemon may write | test/system/arrows.ts › it is of another user
the directory of a program is not as root has made it | agent/cli/checks/uplink.ts | systemd-tmpfiles --create; systemctl restart newleaf | it is | test/system/arrows.ts › the group of a program may not enter the directory of its socket
the group of a program may not enter, and root has made nothing | agent/cli/checks/uplink.ts | chmod 2750 … | it may | test/unit/cli/checks/uplink.ts › closed to the group
its socket cannot be opened | NL-UPLINK-SOCKET; agent/cli/uplink/add.ts | newleaf uplink add NAME; systemctl restart newleaf | the socket is there | test/system/arrows.ts › the socket of a program cannot be opened
the program has no group | agent/cli/uplink/machine.ts; agent/cli/uplink/add.ts; agent/cli/uplink/paste.ts | groupadd --system …; usermod -aG … USER; newleaf uplink add … --group …; newleaf uplink add NAME --group GROUP | its user may connect | test/system/uplink.test.ts › programs of the gateway, under the real unit
the same, in a container | agent/cli/uplink/add.ts | newleaf uplink add … | its container may connect | test/container/programs.test.ts › programs in containers of their own
programs in other containers have no name for it | agent/cli/uplink/paste.ts | docker restart newleaf | they reach it | test/container/programs.test.ts › programs in containers of their own
it can open no socket | agent/cli/uplink/paste.ts | newleaf uplink add NAME --key | it connects by TLS | test/e2e/uplink/programs.test.ts › many lines at once, in order; a will; and what is refused is told
it takes no messages from the cloud, and needs none | NL-UPLINK-UNTAKEN; NL-UPLINK-STANDS | newleaf uplink forget NAME | none waits | test/e2e/uplink/programs.test.ts › mosquitto_sub: what comes while it is away waits
its files are damaged, or root has made its place | agent/cli/uplink/remove.ts | newleaf uplink remove …; newleaf uplink remove … --yes | it can be added again | test/e2e/uplink/broken.test.ts › each costs its own program, is told, and can be removed
its key is damaged | NL-UPLINK-KEY | newleaf uplink add NAME --key --again | it has a new key, and its messages | test/unit/uplink/serving.test.ts › a new key is made by a command
'init' has no terminal, or was interrupted | agent/cli/init/ask.ts; agent/cli/init/guide.ts; agent/cli/init/command.ts; agent/cli/init/provision.ts | newleaf init | it goes on, with the answers kept | test/e2e/init/interrupt.deep.test.ts › the next run goes on from there
an answer was wrong | agent/cli/init/watch.ts; agent/cli/init/command.ts; agent/cli/init/provision.ts; agent/cli/init/scope.ts; agent/cli/init/configuration.ts | newleaf init --ask | it is asked again | test/e2e/init/interrupt.deep.test.ts › an answer was wrong, which is seen while it provisions
the ID scope was wrong | agent/cli/init/scope.ts | newleaf init | the right one is written | test/e2e/init/scope.deep.test.ts › the right one
the caller is not root | agent/cli/init/idle.ts; agent/machine/contained.ts | newleaf init | root sets it up | test/e2e/init/flags.deep.test.ts › whoever is not root is told so at once
the daemon runs already | agent/cli/init/idle.ts; agent/failure/advice.ts | newleaf roll --wait; systemctl stop newleaf; newleaf init --ask; systemctl start newleaf | the answers are asked again | test/e2e/init/refusals.deep.test.ts › the daemon, which runs already
the directory is root's, and this is a container | agent/machine/contained.ts | docker run --rm --user 0 --volume …:… --entrypoint chown newleaf -R … … | it is the user's | test/container/arrows.test.ts › a directory of root: it is given to the user of the image, and init goes on
the volume of the state is root's, and this is a container | agent/machine/contained.ts | chown -R newleaf: /var/lib/newleaf | it is the user's | test/container/arrows.test.ts › a directory of root
'init' has ended, in a container | agent/cli/init/enrollment.ts | docker restart newleaf | the gateway serves | test/container/arrows.test.ts › a container that runs before init
a PIN on the command line | agent/cli/init/ask.ts | newleaf init --pin-file - <FILE | it is read | test/e2e/init/flags.deep.test.ts › the PIN comes from stdin or a file
what is taken over does not fit | agent/cli/init/adopt/adopt.ts; agent/cli/init/adopt/aziot.ts | newleaf init --adopt LEAF --adopt-key KEY; newleaf init | it is taken over | test/e2e/init/adopt.deep.test.ts › what does not fit is told in a sentence
the daemon runs, and the gateway is to be given up | agent/cli/decommission/command.ts | systemctl disable --now newleaf; newleaf decommission | it is | test/system/given-up.test.ts › while the daemon runs, decommission tells how to stop it
there is no terminal to ask | agent/cli/decommission/command.ts | newleaf decommission --yes | it is given up | test/e2e/decommission.test.ts › a key that was there before newleaf stays
giving up was cut off | agent/state/journal.ts; agent/cli/decommission/holding.ts | newleaf decommission | it is finished | test/e2e/decommission.test.ts › status of a gateway that is half given up says so
a key of it is not in its records | agent/cli/decommission/keys.ts | newleaf decommission --key-id … | it is destroyed | test/e2e/decommission.test.ts › a key that was there before newleaf stays
its token is lost | agent/cli/decommission/token.ts | newleaf decommission; newleaf decommission --token-lost | it is finished | test/e2e/decommission.test.ts › its token is lost half way
what was missing is there | agent/cli/init/new-token.ts; agent/cli/init/pin.ts | newleaf init | it goes on | test/e2e/init/flags.deep.test.ts › no module at all
`;

export const ARROWS: readonly Arrow[] = ROWS.trim()
  .split('\n')
  .map((line) => {
    const [situation = '', at = '', types = '', changes = '', where = ''] = line.split(' | ');
    const [file = '', name = ''] = where.split(' › ');
    return { situation, at: at.split('; '), types: types.split('; '), changes, test: [file, name] };
  });

/** What no test can type here, with the reason. */
export const FOR_A_PERSON: readonly (readonly [command: string, reason: string])[] = [
  ['apt-get install …', 'it needs the package server of the site'],
  ['apt-get install libengine-pkcs11-openssl', 'the same'],
  ['apt-get install stunnel4 pkcs11-provider', 'the same'],
  ['apt-get install util-linux', 'the same'],
  ['pkcs11-tool --init-pin', 'it needs the SO PIN; each vendor has a tool of its own'],
  ['tpm2_dictionarylockout --clear-lockout', "it needs the lockout password of the TPM's owner"],
  ['tpm2_changeauth -c owner -p PASSWORD', 'it needs the password of the owner'],
  ['tpm2_evictcontrol -c HANDLE', 'which object may go is for its owner to say'],
  ['usermod -aG ods newleaf', 'a group of Fedora'],
  ['mount -o remount,rw /', 'it changes the machine that tests; the package stage makes a root read-only'],
  ['rm …', 'a file on a file system that was read-only'],
];

/** Commands in texts that stand after no arrow, with the reason. */
export const NO_ARROWS: readonly (readonly [place: string, command: string, reason: string])[] = [
  ['agent/config/schema.ts', 'newleaf decommission', 'about a setting'],
  ['agent/cli/uplink/place.ts', 'newleaf uplink add', 'a comment in a file'],
  ['agent/cli/uplink/place.ts', 'newleaf uplink remove', 'a comment in a file'],
  ['agent/cli/init/ask.ts', 'back', 'an answer to a question'],
  ['agent/cli/init/dialogue.ts', 'back', 'an answer to a question'],
  ['agent/cli/init/scope.ts', 'back', 'an answer to a question'],
  ['agent/cli/init/idle.ts', 'newleaf init --config FILE', 'for experiments'],
  ['agent/cli/init/enrollment.ts', 'newleaf run', 'where there is no systemd'],
];
