# shellcheck shell=bash disable=SC2154
# Part of scripts/package, which sets the variables: the forms deb and deb-nodejs.

# The form that dpkg wants; the text for people is CHANGELOG.md.
changelog() {
  printf 'newleaf (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^Maintainer: //p' scripts/deb/control)" "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")"
}

debian_tree() {
  local lib=usr/lib/newleaf doc=usr/share/doc/newleaf file interpreter unit
  program "$tree/$lib"
  if [ "$form" = deb-nodejs ]; then
    interpreter=/usr/bin/node
  else
    interpreter=/$lib/node
    put 644 "$(node_home)/LICENSE" $doc/copyright.node
    put 644 scripts/deb/lintian-overrides usr/share/lintian/overrides/newleaf
  fi
  mkdir -p "$tree/usr/bin"
  sed -e "s|@NODE@|$interpreter|g" -e "s|@PROGRAM@|/$lib|g" scripts/start/newleaf.sh >"$tree/usr/bin/newleaf"
  chmod 755 "$tree/usr/bin/newleaf"
  put 644 scripts/deb/newleaf.toml etc/newleaf/newleaf.toml
  shopt -s nullglob
  for file in systemd/*; do
    case $file in
      *.md | *.sed) ;;
      *.sysusers) put 644 "$file" usr/lib/sysusers.d/newleaf.conf ;;
      *.tmpfiles) put 644 "$file" usr/lib/tmpfiles.d/newleaf.conf ;;
      *.service | *.timer)
        put 644 "$file" "usr/lib/systemd/system/${file##*/}"
        unit=$tree/usr/lib/systemd/system/${file##*/}
        # With a flag of V8, Node 20.20 refuses the code cache of its own modules; Node 24.21 does not, with these two.
        [ "$form" = deb ] || sed -i 's/--max-semi-space-size=1 --max-old-space-size=48 //' "$unit"
        sed -f systemd/instance.sed "$unit" >"${unit%.*}@.${unit##*.}"
        ;;
      *) put 644 "$file" "usr/share/newleaf/${file##*/}" ;;
    esac
  done
  shopt -u nullglob
  if [ -e dist/newleaf.8 ]; then
    put 644 dist/newleaf.8 usr/share/man/man8/newleaf.8
    gzip -9n "$tree/usr/share/man/man8/newleaf.8"
  fi
  [ ! -e dist/newleaf.bash ] || put 644 dist/newleaf.bash usr/share/bash-completion/completions/newleaf
  put 644 LICENSE $doc/copyright
  put 644 dist/notices.txt $doc/copyright.packages
  bill $doc/newleaf.cdx.json
  # Not compressed: they link to one another.
  for file in dist/doc/*.md; do put 644 "$file" "$doc/${file##*/}"; done
  changelog >"$tree/$doc/changelog"
  gzip -9n "$tree/$doc/changelog"
}

# The newest glibc whose symbols the program needs.
newest_glibc() {
  find "$tree/usr/lib/newleaf" \( -name node -o -name '*.node' \) -exec "$triplet-objdump" -T {} + |
    grep -oP '\(GLIBC_\K[0-9.]+' | sort -Vu | tail -1
}

control() {
  local depends node
  depends="libc6 (>= $(newest_glibc)), libstdc++6 (>= 7), libgcc-s1"
  if [ "$form" = deb-nodejs ]; then
    depends="nodejs (>= 20.19), $depends"
    node='This flavour runs with the nodejs of the distribution.'
  else
    node="This flavour carries Node $NODE, for itself only."
  fi
  sed -e "s/@VERSION@/$1/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@DEPENDS@/$depends/" -e "s/@NODE@/$node/" \
    -e "s/@SIZE@/$(du -k --apparent-size -s "$tree" | cut -f1)/" scripts/deb/control
}

# Prints the path of the package.
debian_package() {
  debian_tree
  # The flavours are versions of one package: changing the flavour is an upgrade, and keeps configuration and state.
  local full=$version; [ "$form" = deb ] || full=$version+nodejs
  local package=dist/packages/newleaf_${full}_$architecture.deb script
  mkdir "$tree/DEBIAN"
  control "$full" >"$tree/DEBIAN/control"
  (cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
  echo /etc/newleaf/newleaf.toml >"$tree/DEBIAN/conffiles"
  put 644 scripts/deb/templates DEBIAN/templates
  echo 'interest-noawait newleaf-next' >"$tree/DEBIAN/triggers"
  # Another Node needs another code cache.
  [ "$form" = deb ] || echo "interest-noawait /usr/bin/node" >>"$tree/DEBIAN/triggers"
  for script in config postinst prerm postrm; do put 755 "scripts/deb/$script" "DEBIAN/$script"; done
  settle
  say 'Packing: a minute, or some seconds with --quick.'
  dpkg-deb --root-owner-group "${compression[@]}" --build "$tree" "$package.$$" >/dev/null
  mv "$package.$$" "$package"
  echo "$package"
}
