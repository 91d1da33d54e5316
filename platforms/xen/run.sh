# Starts an image as a domain of this Xen host.
fail "starting a domain is not there yet"
