# The stages of scripts/test, which reads this file: a function for each.

# The other Node: the one that packages carry.
node24() { echo "$(scripts/package node "$(dpkg --print-architecture)")/bin/node"; }

# Runs tests and tells them; those that fail are also written into a file of $FAILED. BY: a Node that reads TypeScript by itself.
judged() {
  local by=(node --import tsx)
  [ -z "${BY:-}" ] || by=("$BY")
  "${by[@]}" --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./test/failed.mjs --test-reporter-destination="${REPORT:-$(mktemp -p "$FAILED")}" "$@"
}
# node --test takes no patterns before Node 21. FIRST: what takes longest, so that nothing waits for it at the end.
files() {
  find "$@" -name '*.test.ts' ! -name 'walk.test.ts' | grep -E "${ONLY:-.}" | grep -vE "${WITHOUT:-^$}" |
    awk -v first="${FIRST:-^$}" '{ print ($0 ~ first ? 1 : 2) "\t" $0 }' | sort | cut -f 2
}
tests() {
  local all
  mapfile -t all < <(files "$@")
  judged --import ./test/clean.ts --test --test-concurrency="${CONCURRENCY:-2}" "${all[@]}"
}
# Several files share a process: to start one takes as long as most of them. Not those of a token (PKCS#11 is opened once in a
# process, and for all of them; withEnvironment), nor those that await something while they are loaded (their tests would come too
# late), nor those that look for what is left open. Into a file: a pipe would be open as long as any process that a test has left.
group() {
  local log code=0 REPORT; log=$(mktemp) REPORT=$(mktemp -p "$FAILED")
  judged test/together.ts "$@" >"$log" 2>&1 || code=$?
  cat "$log"; rm "$log"
  # A process that crashes names no test.
  [ $code = 0 ] || [ -s "$REPORT" ] || printf "%s :: or another file of its process, which ended with $code\n" "$@" >"$REPORT"
  return $code
}
export -f judged group
in_groups() {
  local each=$1 all alone; alone=$(<test/alone.regex)
  shift
  mapfile -t all < <(files "$@")
  # The exit code of grep says whether a file stands alone.
  { { grep -LE "$alone" "${all[@]}" || :; } | xargs -rn "$each"; { grep -lE "$alone" "${all[@]}" || :; } | xargs -rn 1; } |
    FAILED=$FAILED BY=${BY:-} xargs -P "${CONCURRENCY:-2}" -L 1 bash -c 'group "$@"' group
}

# The page of the operator runs in a browser: it has other types.
stage_check() { npx tsc && npx tsc -p scripts/enrollment/page && npx biome check --error-on-warnings; }
# A test that needs a namespace or a mount is named *.deep.test.ts.
DEEP='\.deep\.'
# By a Node that reads TypeScript by itself, which takes half of the CPU of tsx; but by Debian's own, which forbids what others
# allow. Some tests wait: for a process, for a slow shell.
units() { BY=$1 WITHOUT="$DEEP|${WITHOUT:-^$}" CONCURRENCY=4 in_groups 24 test/unit; }
# Many seeds, many devices, many turns: what plays again and again is in the second list.
AGAIN='/unit/(uplink/(queue/faults|search|order)|daemon/pauses|state/wear|inbox/growth|enroll/(reprovision|waves|access|thousand|leaf-by-leaf|usage|from-device|silence))\.test'
stage_unit() {
  local by=
  [ "$(node -p process.config.variables.node_shared)" = true ] || by=$(node24)
  WITHOUT=$AGAIN units "$by"
}
stage_unit-again() { ONLY=$AGAIN units "$(node24)"; }
# By the Node of this machine, with more seeds.
stage_unit-own() { STORIES=${STORIES:-60} units ''; }
stage_walk() { judged --test test/walk/walk.test.ts; }
stage_walk-wide() { WALK=wide stage_walk; }
stage_walk-whole() { WALK=whole stage_walk; }
# Random faults over time, and the promises of the core, through the real daemon in virtual time.
stage_search() {
  judged --test --test-concurrency=2 test/search/{search,azure,ten-minutes,wider,wider-ends,laws-pace}.test.ts test/rows/rows.test.ts
}
stage_search-wide() { STORIES=${STORIES:-300} tests test/search/search.test.ts test/search/fleet.test.ts; }
stage_search-whole() { STORIES=${STORIES:-5000} stage_search-wide; }
# The same daemon, each single fault that stays, and ninety days without one.
stage_stays() { judged --test test/search/{stays,ninety-days}.test.ts; }
stage_contract() { WITHOUT="/modules/|$TPM|$DEEP" CONCURRENCY=3 tests test/contract; }
stage_apart() { scripts/prepare swtpm; ONLY=$DEEP WITHOUT='/link/' CONCURRENCY=3 tests test/unit test/contract test/e2e; }
# Each module lacks another function. They share directories of the machine, so each file gets these to itself.
stage_modules() {
  scripts/prepare opencryptoki libnss3-tools libnss3 p11-kit p11-kit-modules swtpm swtpm-tools \
    tpm2-abrmd libtss2-tcti-tabrmd0 libtss2-tcti-swtpm0t64 libtpm2-pkcs11-1 dbus-daemon dbus-bin
  test/contract/modules/installed
  # `alone` runs its command by way of a plain shell, which drops functions.
  find test/contract/modules -name '*.test.ts' -print0 | sort -z |
    xargs -0 -P 2 -n 1 test/contract/modules/alone bash -c '. test/stages.sh; judged --test "$1"' judged
}
# It mostly waits: for pauses of newleaf.
stage_e2e() {
  NEWLEAF_TEST_POSITIONS=usual WITHOUT="/fleet[./]|/link/|/lasting/|$TPM|$PROGRAMS|$FAULTS|$DEEP" CONCURRENCY=6 in_groups 4 test/e2e
}
# Programs of a gateway, other than ours: mosquitto_pub, mosquitto_sub, Paho for Python, Microsoft's SDK for Node.
PROGRAMS='/uplink/(programs|sdk)\.test'
stage_programs() { scripts/prepare mosquitto-clients python3-paho-mqtt; ONLY=$PROGRAMS CONCURRENCY=3 tests test/e2e; }
# What has a TPM of its own, swtpm. socat puts it behind a device file.
TPM='/(contract|e2e)/tpm'
stage_tpm() { scripts/prepare swtpm socat; ONLY=$TPM CONCURRENCY=6 tests test/contract test/e2e; }
# Of these, what is played again and again: a fault that is laid over a story, a roll after a roll.
FAULTS='/((lost|older)-state|azure/(table|revoked|refusals|provisioning)|uplink/(queue-size|kept)|decommission|network|cut-login|individual-fleet|renewal|shared-(token|id)|arrows|lost-key|refused-pin|hanging-token|ten-rolls|roll/individual-(breach|expiry))\.test'
stage_faults() { ONLY=$FAULTS WITHOUT="$TPM|$DEEP" CONCURRENCY=6 in_groups 3 test/e2e; }
# The ways of the operator, with all that is not known of the real services (test/simulator/switches.ts).
stage_stories() { NEWLEAF_TEST_POSITIONS=other CONCURRENCY=3 in_groups 2 test/e2e/roll; }
# The kit for the real Azure, with a simulated one.
stage_field() { scripts/prepare; CONCURRENCY=2 tests test/field; }
# Lines with delay and loss, IPv6 only, NAT64. It mostly waits: servers that take 10 s for each answer need four minutes.
stage_link() { scripts/prepare nftables tayga util-linux; CONCURRENCY=4 tests test/e2e/link; }
# SEED=2 for other places, STORY=EST for the stories with this in their names.
stage_kills() { scripts/prepare swtpm; KILLS=${KILLS:-200} SYNCS=${SYNCS:-12} CONCURRENCY=1 tests test/kills; }
stage_kills-whole() { KILLS=${KILLS:-2000} SYNCS=${SYNCS:-40} stage_kills; }
# What is kept, wrong in each way. STORY=, FILE=, HOW=, KIND=, AT= are patterns for a part of it; SHOW=1 prints each case.
stage_kept() { scripts/prepare; CONCURRENCY=1 tests test/kept; }
# It mostly waits. HANG='^engine: C_Sign 1 ' for one call, LANES=N for so many gateways at once.
stage_hangs() { tests test/hangs; }
# Leaves of six minutes, for five minutes; MINUTES=60 plays an hour of leaves that live ten.
stage_lasting() { tests test/e2e/lasting; }
# SEED=N for the same again.
stage_nonsense() { INPUTS=${INPUTS:-30000} tests test/nonsense; }
stage_nonsense-whole() { INPUTS=${INPUTS:-1000000} stage_nonsense; }
# An hour: MINUTES=15 for less, SEED=N for the same faults again.
stage_soak() { tests test/soak; }
# What a Node can change: TLS with the token key and the sockets of the SDK (stories), contexts, collector and descriptors
# (ten-rolls), descriptors and environment of children (secrets), modes and renames of files (parked, disk), the title and exit
# code of a process (cli), a TPM's child (registration).
stage_e2e-24() {
  scripts/prepare swtpm
  local node; node=$(node24)
  NEWLEAF_TEST_NODE=$node CONCURRENCY=5 tests test/e2e/{stories,ten-rolls,secrets,parked,cli,uplink/disk.deep,tpm/registration}.test.ts
}
# The gateway without the engine.
stage_helper() {
  NEWLEAF_TEST_TLS=helper CONCURRENCY=4 tests test/e2e/{stories,ten-rolls,lost-key,network}.test.ts
}
# It uses every core, so it has a stage of its own.
stage_fleet() {
  local node; node=$(node24)
  tests test/e2e/fleet.test.ts
  NEWLEAF_TEST_NODE=$node tests test/e2e/fleet.test.ts
}
# They mostly wait: for the waves of an operator, for a quota of DPS that all share. One after the other, for the memory.
stage_crowds() { CONCURRENCY=1 tests test/e2e/fleet test/fleet/beside.test.ts; }
# A fleet of real daemons in virtual time: what their ladders do to quotas that all share.
# And ten thousand in the hands of one operator.
stage_fleet-model() { tests test/fleet/{model,ten-thousand}.test.ts; }
# The packages FORM…, made once for all files of a stage.
packages() {
  local form name architecture; architecture=$(dpkg --print-architecture)
  scripts/prepare binutils
  for form in "$@"; do
    name=NEWLEAF_TEST_${form^^}
    export "${name//-/_}=$PWD/$(scripts/package --quick "$form" "$architecture")"
  done
}
stage_package() {
  scripts/prepare busybox-static mmdebstrap systemd-container apt-utils gnupg
  packages deb deb-nodejs tar
  test/system/rootfs >/dev/null
  CONCURRENCY=3 tests test/package
}
# A release, made twice: six packages and two images each time.
stage_release() {
  scripts/prepare binutils apt-utils gnupg g++-aarch64-linux-gnu mmdebstrap buildah netavark crun fakeroot qemu-user qemu-user-binfmt
  tests test/release
}
stage_arm64() {
  scripts/prepare g++-aarch64-linux-gnu mmdebstrap qemu-user qemu-user-binfmt
  WITHOUT='/image\.test' tests test/arm64
}
# The image, built as `docker build` does it, and run by podman.
stage_container() {
  # curl and mosquitto-clients go into containers of programs.
  scripts/prepare mmdebstrap buildah netavark podman podman-compose catatonit crun fakeroot curl mosquitto-clients
  WITHOUT='/docker\.test' of_image build-image
}
# The same by Docker itself. Named only: where systemd runs, Debian's package starts a daemon that changes the firewall.
stage_docker() {
  scripts/prepare mmdebstrap docker.io docker-cli docker-buildx docker-compose fakeroot curl mosquitto-clients
  NEWLEAF_TEST_ENGINE=docker WITHOUT='/podman\.test' of_image docker-image
}
# BUILDER: the tests, with an image that is made once for all files.
of_image() {
  local image=${NEWLEAF_TEST_IMAGE:-$PWD/.cache/image-$$}
  [ -e "$image/image.tar" ] ||
    scripts/container/enter --containers "$PWD/test/container/$1" "$image" "$(dpkg --print-architecture)" --build-arg MODULE=softhsm2
  NEWLEAF_TEST_IMAGE=$image tests test/container
  [ -n "${NEWLEAF_TEST_IMAGE:-}" ] || rm -rf "$image"
}
# The same image for arm64, in emulation.
stage_image() {
  scripts/prepare mmdebstrap qemu-user qemu-user-binfmt buildah netavark crun fakeroot
  tests test/arm64/image.test.ts
}
# For machines that boot: their file system, and the packages that are installed there.
machines() {
  scripts/prepare mmdebstrap systemd-container
  packages deb deb-nodejs
  test/system/rootfs >/dev/null
}
# In namespaces of their own. They mostly wait: for pauses of systemd and of newleaf.
stage_system() { machines; FIRST='/upgraded\.' CONCURRENCY=4 tests test/system; }
# The same on another Debian, with an older systemd (252) and OpenSSL.
stage_system-12() { NEWLEAF_TEST_SUITE=bookworm stage_system; }
# Microsoft's own tests and samples against the far side. Their sources are not here: test/simulator/README.md.
stage_microsoft() {
  : "${NEWLEAF_TEST_SAMPLES:?is to say where programs of azure-iot-sdk-c were built: see test/simulator/README.md}"
  tests test/microsoft
  [ -z "${NEWLEAF_TEST_SDK_NODE:-}" ] || test/simulator/microsoft "$NEWLEAF_TEST_SDK_NODE"
}
# Chains that are nearly right, which others have thought of. The repository is not here: C2SP/x509-limbo.
stage_limbo() {
  : "${NEWLEAF_TEST_LIMBO:?is to say where a clone of https://github.com/C2SP/x509-limbo is}"
  scripts/prepare python3-cryptography python3-pydantic
  tests test/limbo
}
# The page of a fleet in a real browser.
stage_browser() { scripts/prepare chromium; CONCURRENCY=1 tests test/browser; }
# What each fault of the environment costs, and whether all that is told of it is true. It mostly waits. The table has the rows
# of this run; of those that failed, the last that were committed.
stage_matrix() {
  scripts/prepare nftables
  local rows=$PWD/.cache/matrix.jsonl failed=0
  mkdir -p .cache && rm -f "$rows"
  NEWLEAF_TEST_MATRIX=$rows CONCURRENCY=5 tests test/matrix || failed=1
  npx tsx test/matrix/table.ts "$rows"
  return $failed
}
stage_demo() { npx tsx scripts/demo.ts; }
# Named breakages, each of which a test must notice; then others for BUDGET seconds, by the dice: SEED=N draws the same ones again.
stage_mutate() {
  local node; node=$(node24)
  NEWLEAF_NODE_24=$node npx tsx scripts/mutate.ts --rows
  NEWLEAF_NODE_24=$node npx tsx scripts/mutate.ts --budget "${BUDGET:-3600}" ${SEED:+--seed "$SEED"}
}
# The costs of newleaf beside what is unavoidable: on a machine that does nothing else.
stage_ratios() { local node; node=$(node24); NEWLEAF_NODE_24=$node tests test/bench/ratios.test.ts; }
stage_bench() {
  machines
  # A broker to compare the uplink with.
  scripts/prepare e2fsprogs mosquitto mosquitto-clients
  local node; node=$(node24)
  export -f files tests
  NEWLEAF_NODE_24=$node CONCURRENCY=1 timeout --foreground 4500 bash -euo pipefail -c 'tests test/bench'
}

