#!/bin/sh
# A slip in the system's openssl.cnf would end Node before any line of newleaf, which needs nothing of it but the crypto policy.
# Node takes an include that is missing for an error.
conf=/dev/null
[ ! -e /etc/crypto-policies/back-ends/opensslcnf.config ] || conf=@PROGRAM@/openssl.cnf
export OPENSSL_CONF="${OPENSSL_CONF:-$conf}"
missing=
[ -x @NODE@ ] || missing=@NODE@
[ -s @PROGRAM@/newleaf.js ] || missing=@PROGRAM@/newleaf.js
[ -n "$missing" ] || exec @NODE@ @PROGRAM@/newleaf.js "$@"
echo "newleaf cannot start: $missing is not there, or cannot be run. Install newleaf again: \`apt-get install --reinstall newleaf\`, or by the install.sh of its tarball. \`dpkg -V newleaf\` names the files that differ." >&2
exit 1
