# Makes the units of newleaf@NAME.service from those of newleaf.service: sed -f instance.sed newleaf.service >newleaf@.service.
# The lines of newleaf.tmpfiles are for this daemon, too; before it starts, because only its start says the name.
s|^Description=.*|& (%i)|
s|^ExecStart=/usr/bin/newleaf run|ExecStartPre=+/bin/sh -c 'sed "s,/etc/newleaf,\&/%i,; s,/var/lib/newleaf,\&@%i,; s,/run/newleaf-uplink,\&@%i," /usr/lib/tmpfiles.d/newleaf.conf \| systemd-tmpfiles --create -'\
& --instance %i|
s|/var/lib/newleaf/state.json|/var/lib/newleaf@%i/state.json|
s|/etc/newleaf/newleaf.toml|/etc/newleaf/%i/newleaf.toml|
s|sudo newleaf init|sudo newleaf --instance %i init|
s|^ExecStart=/bin/sh /usr/share/newleaf/fallback|& %i|
s|newleaf-fallback\.timer|newleaf-fallback@%i.timer|
s|^StateDirectory=newleaf$|& newleaf@%i|
s|^RuntimeDirectory=newleaf$|&@%i|
s|^ReadWritePaths=-/run/newleaf-uplink$|&@%i|
s|/etc/newleaf/pin|/etc/newleaf/%i/pin|
# A credential of this name is sealed for newleaf.service.
/^ImportCredential=/d
