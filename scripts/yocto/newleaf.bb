# newleaf in an image of Yocto (5.0 "scarthgap" and later), from the tarball of `scripts/package tar arm64` (or amd64). In a layer
# that depends on meta-oe (libp11, softhsm):
#   recipes-connectivity/newleaf/newleaf_0.1.0.bb                            this file; the version is that of the tarball
#   recipes-connectivity/newleaf/files/newleaf-0.1.0-arm64.tar.gz
# and IMAGE_INSTALL:append = " newleaf". On the gateway: newleaf init, then systemctl enable --now newleaf.
SUMMARY = "Keeps the X.509 leaf of an Azure IoT gateway alive"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=4dfac784bdb75ca85d32c8cf8b9ae87a"

# The program carries a Node that is built for these, with glibc 2.34 or later.
COMPATIBLE_HOST = "(aarch64|x86_64).*-linux"
COMPATIBLE_HOST:libc-musl = "null"
NEWLEAF_ARCHITECTURE:aarch64 = "arm64"
NEWLEAF_ARCHITECTURE:x86-64 = "amd64"

SRC_URI = "file://newleaf-${PV}-${NEWLEAF_ARCHITECTURE}.tar.gz"
# Yocto 5.0 unpacks into WORKDIR, and does not know UNPACKDIR.
UNPACKDIR ??= "${WORKDIR}"
S = "${UNPACKDIR}/newleaf-${PV}-${NEWLEAF_ARCHITECTURE}"

inherit features_check systemd useradd
REQUIRED_DISTRO_FEATURES = "systemd"

# OpenSSL's PKCS#11 engine is in libp11. Of a TPM: tpm2-pkcs11 of meta-security, in the place of softhsm.
RDEPENDS:${PN} = "ca-certificates libgcc libp11 libstdc++ systemd"
RRECOMMENDS:${PN} = "softhsm"

USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system softhsm; --system tss"
USERADD_PARAM:${PN} = "--system --user-group --groups softhsm,tss --home-dir ${localstatedir}/lib/newleaf --no-create-home --shell /sbin/nologin newleaf"

# Not enabled: the first thing to see should not be a unit that has failed because nothing is configured.
SYSTEMD_SERVICE:${PN} = "newleaf.service newleaf-fallback.service newleaf-fallback.timer newleaf@.service newleaf-fallback@.service newleaf-fallback@.timer"
SYSTEMD_AUTO_ENABLE = "disable"

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    install -d ${D}${libdir}/newleaf/build/Release ${D}${bindir} ${D}${systemd_system_unitdir} ${D}${datadir}/newleaf
    install -m 0755 ${S}/node ${D}${libdir}/newleaf/node
    install -m 0644 ${S}/*.js ${S}/package.json ${S}/openssl.cnf ${D}${libdir}/newleaf/
    install -m 0644 ${S}/build/Release/pkcs11.node ${D}${libdir}/newleaf/build/Release/pkcs11.node

    sed -e "s|@NODE@|${libdir}/newleaf/node|g" -e "s|@PROGRAM@|${libdir}/newleaf|g" ${S}/newleaf.sh >${D}${bindir}/newleaf
    chmod 0755 ${D}${bindir}/newleaf

    install -m 0644 ${S}/systemd/*.service ${S}/systemd/*.timer ${D}${systemd_system_unitdir}/
    for unit in newleaf.service newleaf-fallback.service newleaf-fallback.timer; do
        sed -f ${S}/systemd/instance.sed ${S}/systemd/$unit >${D}${systemd_system_unitdir}/${unit%.*}@.${unit##*.}
    done
    install -m 0644 ${S}/systemd/fallback ${S}/systemd/tpm.conf ${D}${datadir}/newleaf/
    install -D -m 0644 ${S}/systemd/newleaf.tmpfiles ${D}${nonarch_libdir}/tmpfiles.d/newleaf.conf
    install -D -m 0644 ${S}/newleaf.toml ${D}${sysconfdir}/newleaf/newleaf.toml
}

CONFFILES:${PN} = "${sysconfdir}/newleaf/newleaf.toml"
FILES:${PN} += "${datadir}/newleaf ${nonarch_libdir}/tmpfiles.d"
# The program is stripped before it comes here, and has no link of the linker's own making.
INSANE_SKIP:${PN} = "already-stripped ldflags"
